"""The microscopic network in time, and its largest Lyapunov exponent."""

from .numerics.simulation import (
    NetworkExponent,
    Simulation,
    SimulationOptions,
    network_exponent,
    simulate,
)

__all__ = [
    "NetworkExponent",
    "Simulation",
    "SimulationOptions",
    "network_exponent",
    "simulate",
]
