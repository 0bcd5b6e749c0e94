"""The command line: `motifield derive | integrate | fixed-points | response | dmft | measure | sample | verify | average`."""

from .main import run

__all__ = ["run"]
