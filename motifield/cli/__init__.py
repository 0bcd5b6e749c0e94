"""The command line, one module for each group of commands; `main` has those that integrate and verify, and the entry point."""

from .main import run

__all__ = ["run"]
