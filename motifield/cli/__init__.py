"""The command line: `motifield derive | integrate | fixed-points | measure | sample | verify`."""

from .main import run

__all__ = ["run"]
