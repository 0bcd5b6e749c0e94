"""The microscopic network in time, and its largest Lyapunov exponent."""

from .numerics.simulation import (
    NetworkExponent as NetworkExponent,
    Simulation as Simulation,
    SimulationOptions as SimulationOptions,
    network_exponent as network_exponent,
    simulate as simulate,
)
