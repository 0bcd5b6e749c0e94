"""motifield: mean-field equations of random recurrent networks with correlated synapses.

Derive them (SymPy), run them (JAX), check them (sampled finite networks). The public names are
those of `__init__.pyi`, where type checkers find them; each loads when it is first used, so that
importing the package costs nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
