"""The microscopic network in time, and its largest Lyapunov exponent."""

from .exponent import NetworkExponent, network_exponent
from .network import input_offsets, simulate

__all__ = [
    "NetworkExponent",
    "input_offsets",
    "network_exponent",
    "simulate",
]
