"""Transfer functions of the literature, with their usual parameters.

The first line of each docstring is the formula, as messages show it.
"""

from __future__ import annotations

from typing import Any

from ...errors import ExpressionError
from ...numbers import brief, fault
from ..expressions import X
from .formulas import exact, expression, symbols
from .function import TransferFunction
from .siegert import SiegertRate

MOST_DEVIATIONS = 10_000  # of the noise from the reset to the threshold: exp(y^2) has its limits


def rectified_linear(gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """gain * max(x - threshold, 0)

    Args:
        gain: Slope above the threshold.
        threshold: The input at which firing begins.
    """
    formula = "gain*Max(x - threshold, 0)"
    return expression(formula, gain=gain, threshold=threshold, name="rectified_linear")


def rectified_power(n: int = 2, gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """gain * max(x - threshold, 0)**n, with a fixed integer n = 1, 2, 3, ...

    For any exponent see `power_law`.

    Args:
        n: The exponent, which is no parameter: averages have a closed form for each.
        gain: Rate at an input of 1 above the threshold.
        threshold: The input at which firing begins.

    Raises:
        ExpressionError: n is no positive integer.
    """
    if fault(n) or n < 1 or int(n) != n:
        raise ExpressionError(
            f"rectified_power needs an integer power of at least 1, not {brief(n)}; power_law "
            "takes any exponent"
        )
    formula = f"gain*Max(x - threshold, 0)**{int(n)}"
    return expression(formula, gain=gain, threshold=threshold, name="rectified_power")


def power_law(exponent: Any = 2, gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """gain * max(x - threshold, 0)**exponent, with any positive exponent

    Args:
        exponent: Positive, a parameter like the others. Averages have a closed form for integers
            that no parameters of the network replace, else they are computed by quadrature.
            Documents and code for NumPy, Julia and XPPAUT know the exponent as a symbol alone, and
            have no closed form: `rectified_power(n)`, with a fixed n, has one there, too.
        gain: Rate at an input of 1 above the threshold.
        threshold: The input at which firing begins.
    """
    own = {"gain": gain, "threshold": threshold, "exponent": exponent}
    formula = "gain*Max(x - threshold, 0)**exponent"
    return expression(formula, positive=["exponent"], name="power_law", **own)


def softplus(gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """log(1 + exp(gain * (x - threshold))) / gain

    Args:
        gain: Sharpness of the bend; the slope tends to 1.
        threshold: Where it bends.
    """
    formula = "log(1 + exp(gain*(x - threshold)))/gain"
    return expression(formula, gain=gain, threshold=threshold, name="softplus")


def logistic(gain: Any = 1, threshold: Any = 0, maximum: Any = 1) -> TransferFunction:
    """maximum / (1 + exp(-gain * (x - threshold)))

    Args:
        gain: Steepness.
        threshold: The input at half the maximum.
        maximum: The largest rate.
    """
    own = {"gain": gain, "threshold": threshold, "maximum": maximum}
    return expression("maximum/(1 + exp(-gain*(x - threshold)))", name="logistic", **own)


def tanh(gain: Any = 1, threshold: Any = 0, offset: Any = 0) -> TransferFunction:
    """offset + tanh(gain * (x - threshold))

    Args:
        gain: Largest slope.
        threshold: Where the slope is largest.
        offset: 1 makes all rates positive.
    """
    own = {"gain": gain, "threshold": threshold, "offset": offset}
    return expression("offset + tanh(gain*(x - threshold))", name="tanh", **own)


def erf(gain: Any = 1, threshold: Any = 0, offset: Any = 0) -> TransferFunction:
    """offset + erf(gain * (x - threshold))

    Args:
        gain: Steepness; the largest slope is 2 gain / sqrt(pi).
        threshold: Where the slope is largest.
        offset: 1 makes all rates positive.
    """
    own = {"gain": gain, "threshold": threshold, "offset": offset}
    return expression("offset + erf(gain*(x - threshold))", name="erf", **own)


def exponential(gain: Any = 1, scale: Any = 1) -> TransferFunction:
    """scale * exp(gain * x)

    Args:
        gain: Inverse of the input that multiplies the rate by e.
        scale: Rate at input 0.
    """
    return expression("scale*exp(gain*x)", gain=gain, scale=scale, name="exponential")


def naka_rushton(exponent: Any = 2, half: Any = 1, maximum: Any = 1) -> TransferFunction:
    """maximum * max(x, 0)**exponent / (max(x, 0)**exponent + half**exponent)

    Args:
        exponent: Positive.
        half: The input at half the maximum, positive.
        maximum: The largest rate.
    """
    own = {"exponent": exponent, "half": half, "maximum": maximum}
    formula = "Piecewise((maximum - maximum/(1 + (x/half)**exponent), x/half > 0), (0, True))"
    return expression(formula, positive=["exponent", "half"], name="naka_rushton", **own)


def siegert(
    tau_m: Any = 20, tau_ref: Any = 2, V_th: Any = 20, V_r: Any = 10, sigma: Any = 5
) -> TransferFunction:
    """1 / (tau_ref + tau_m * sqrt(pi) * integral of exp(u**2) * (1 + erf(u)) over u)

    The integral runs from (V_r - x)/sigma to (V_th - x)/sigma. This is the rate of a leaky
    integrate-and-fire neuron with white noise.

    Args:
        tau_m: Membrane time constant in ms.
        tau_ref: Refractory period in ms.
        V_th: Threshold in mV.
        V_r: Reset in mV.
        sigma: Standard deviation of the noise input in mV.

    Returns:
        The rate per ms, of an input potential x in mV.

    Raises:
        ExpressionError: The reset is not below the threshold, or tau_ref is negative.

    Source: Siegert, Phys. Rev. 81, 617 (1951); Ricciardi (1977).
    """
    parameters = {"tau_m": tau_m, "tau_ref": tau_ref, "V_th": V_th, "V_r": V_r, "sigma": sigma}
    values = {name: exact(name, value) for name, value in parameters.items()}
    own = symbols(parameters, ["tau_m", "sigma"])
    if not (values["V_th"] > values["V_r"] and values["tau_ref"] >= 0):
        raise ExpressionError("siegert needs V_th > V_r and tau_ref >= 0")
    largest = max(abs(values["V_th"]), abs(values["V_r"]))
    if largest > MOST_DEVIATIONS * values["sigma"] > 0:
        raise ExpressionError(
            f"siegert needs a sigma of at least {float(largest) / MOST_DEVIATIONS:g}, a "
            f"{MOST_DEVIATIONS}th of its potentials: for less noise take another function"
        )
    defaults = {own[name]: value for name, value in values.items()}
    return TransferFunction("siegert", SiegertRate(X, *own.values()), defaults)


LIBRARY = {
    f.__name__: f
    for f in (
        *(rectified_linear, rectified_power, power_law, softplus, logistic, tanh, erf),
        *(exponential, naka_rushton, siegert),
    )
}
