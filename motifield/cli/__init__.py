"""The command line, one module for each group of commands; `main` has those that run, sample, measure and verify."""

from .main import run

__all__ = ["run"]
