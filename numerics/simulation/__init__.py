"""The microscopic network in time, and its largest Lyapunov exponent."""

from .carried import neuron_parameters
from .drives import input_offsets
from .exponent import NetworkExponent, network_exponent
from .network import integrate_network, simulate
from .options import SimulationOptions
from .states import Simulation

__all__ = [
    "NetworkExponent",
    "Simulation",
    "SimulationOptions",
    "input_offsets",
    "integrate_network",
    "network_exponent",
    "neuron_parameters",
    "simulate",
]
