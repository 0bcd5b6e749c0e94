"""`python -m motifield` is the command line, where its script is not on the path."""

from .cli import run

if __name__ == "__main__":
    run()
