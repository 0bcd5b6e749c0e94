"""External inputs as functions of time."""

from .numerics.parameters import Constant, Function, Input, Signals, Steps, Table, pulse, signals

__all__ = [
    "Constant",
    "Function",
    "Input",
    "Signals",
    "Steps",
    "Table",
    "pulse",
    "signals",
]
