"""The microscopic network in time, and its largest Lyapunov exponent."""

from .numerics.simulation import NetworkExponent, network_exponent, simulate

__all__ = [
    "NetworkExponent",
    "network_exponent",
    "simulate",
]
