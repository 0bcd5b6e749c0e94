"""External inputs as functions of time."""

from .numerics.parameters import (
    Constant as Constant,
    Function as Function,
    Input as Input,
    Signals as Signals,
    Steps as Steps,
    Table as Table,
    pulse as pulse,
    signals as signals,
)
