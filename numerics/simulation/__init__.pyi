"""The microscopic network in time, and its largest Lyapunov exponent."""

from .carried import neuron_parameters as neuron_parameters
from .drives import input_offsets as input_offsets, pattern_of as pattern_of
from .exponent import NetworkExponent as NetworkExponent, network_exponent as network_exponent
from .network import integrate_network as integrate_network, simulate as simulate
from .options import SimulationOptions as SimulationOptions
from .states import Simulation as Simulation
