"""Compiled equations: vector field, trajectories, units with filters, exports, averages."""

from .autonomous import Autonomous as Autonomous, held as held, held_inputs as held_inputs
from .average_curves import AverageCurves as AverageCurves, curves as curves
from .batch import TrajectoryBatch as TrajectoryBatch, integrate_batch as integrate_batch
from .below_zero import negative_why as negative_why
from .checks import (
    OPTIONAL_INPUTS as OPTIONAL_INPUTS,
    misfits as misfits,
    refuse_components as refuse_components,
)
from .explicit import LARGEST_STATE as LARGEST_STATE, explicit_course as explicit_course
from .exports import (
    julia_module as julia_module,
    numpy_module as numpy_module,
    save_equations as save_equations,
    xpp_ode as xpp_ode,
)
from .formulas import bend_code as bend_code, evaluated as evaluated
from .kept_equations import KeptEquations as KeptEquations
from .one_average import Averaged as Averaged, average as average
from .pure import pure_rates as pure_rates, pure_trajectory as pure_trajectory
from .replaced import (
    tables_reach as tables_reach,
    tabulated_first as tabulated_first,
    with_averages as with_averages,
    within_tables as within_tables,
)
from .states import (
    STATE_NAMES as STATE_NAMES,
    given_state as given_state,
    initial_state as initial_state,
    named as named,
    numbers as numbers,
)
from .system import System as System, compile as compile
from .trajectories import (
    Trajectory as Trajectory,
    followed as followed,
    integrate as integrate,
    trajectory as trajectory,
)
from .units import Units as Units
from .variants import (
    with_strength_kind as with_strength_kind,
    without_components as without_components,
)
