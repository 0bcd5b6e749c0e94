"""The command line, a module for each command; `main` has the entry point."""

from .main import run

__all__ = ["run"]
