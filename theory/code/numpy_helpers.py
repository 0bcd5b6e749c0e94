"""Functions that exported NumPy modules carry with them.

The text of those that a module needs is written into it.
"""

import numpy as np
from scipy import special

# Off-centre by an irrational amount: a step at a round number does not hide between two panels.
PANEL_EDGES = np.pi / 7 + np.concatenate(
    [-(2.0 ** np.arange(10, 4, -1)), np.arange(-31, 32), 2.0 ** np.arange(5, 11)]
)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
PRECISION = 1e-12  # of one panel, relative to the average of |f|


def root(x):
    """The square root of a second moment."""
    return np.sqrt(np.maximum(x, 0.0))


def standardise(c, mu, Delta):
    """(c - mu) / sqrt(Delta); at Delta = 0 minus infinity for c <= mu, else infinity."""
    width = np.sqrt(np.where(Delta > 0, Delta, 1.0))
    return np.where(Delta > 0, (c - mu) / width, np.where(mu >= c, -np.inf, np.inf))


def normal_cdf(h):
    """P(Z < h) of a standard normal variable."""
    return special.ndtr(h)


def probability(a, b, mu, Delta):
    """P(a < x < b), without cancellation in either tail."""
    low, high = standardise(a, mu, Delta), standardise(b, mu, Delta)
    return np.where(
        low > 0, special.ndtr(-low) - special.ndtr(-high), special.ndtr(high) - special.ndtr(low)
    )


def density(c, mu, Delta, order=0):
    """The average of a derivative of a delta function at c, of the given order.

    It is a Hermite polynomial times the normal density.
    """
    width = np.sqrt(np.where(Delta > 0, Delta, 1.0))
    z = (c - mu) / width
    hermite = special.eval_hermitenorm(order, z)
    return np.where(
        Delta > 0, hermite * np.exp(-0.5 * z * z) / (np.sqrt(2 * np.pi) * width ** (order + 1)), 0.0
    )


def scaled_density(c, mu, Delta):
    """Delta times the normal density at c."""
    return Delta * density(c, mu, Delta)


def scaled_cdf(L, h):
    """exp(L) P(Z < h), finite also where exp(L) overflows."""
    tail = 0.5 * np.exp(L - h * h / 2) * special.erfcx(np.maximum(-h, 0.0) / np.sqrt(2))
    return np.where(h < 0, tail, np.exp(np.where(h < 0, 0.0, L)) * special.ndtr(h))


def tilted_probability(a, b, A, B, C, mu, Delta):
    """The average of exp(-A x^2 + B x + C) on a < x < b."""
    w = 1 + 2 * A * Delta
    mean, variance = (mu + B * Delta) / w, Delta / w
    scale = (
        (-A * mu**2 + B * mu + B**2 * Delta / 2) / w + C
        if A == 0
        else -A * (mu - B / (2 * A)) ** 2 / w + C + B * B / (4 * A)
    )
    scale = scale - 0.5 * np.log(w)
    low, high = standardise(a, mean, variance), standardise(b, mean, variance)

    def below(c, t):
        if np.isinf(c):
            return np.where(t > 0, np.exp(scale), 0.0)
        here = -A * c * c + B * c + C - 0.5 * standardise(c, mu, Delta) ** 2 - 0.5 * np.log(w)
        tail = (
            0.5
            * np.exp(np.where(t < 0, here, 0.0))
            * special.erfcx(np.maximum(-t, 0.0) / np.sqrt(2))
        )
        return np.where(t < 0, tail, np.exp(np.where(t < 0, 0.0, scale)) * special.ndtr(t))

    if np.isinf(b):
        return below(a, -low)
    return np.where(low > 0, below(a, -low) - below(b, -high), below(b, high) - below(a, low))


def bivariate(h, k, rho):
    """P(Z1 < h, Z2 < k) of standard normal variables with correlation rho, by Owen's T."""
    h, k = (np.where(v == 0, 1e-300, np.clip(v, -40.0, 40.0)) for v in (h, k))
    rest = np.sqrt(np.maximum((1 - rho) * (1 + rho), 1e-300))
    corners = special.owens_t(h, (k - rho * h) / (h * rest)) + special.owens_t(
        k, (h - rho * k) / (k * rest)
    )
    return np.clip(
        0.5 * (special.ndtr(h) + special.ndtr(k)) - corners - 0.5 * ((h < 0) != (k < 0)), 0.0, 1.0
    )


def gated_probability(a, b, alpha, beta, mu, Delta):
    """P(a < x < b, Z < alpha x + beta), Z standard normal."""
    width = np.sqrt(1 + alpha**2 * Delta)
    k, rho = (alpha * mu + beta) / width, alpha * np.sqrt(Delta) / width
    if np.isinf(b):
        return bivariate(-standardise(a, mu, Delta), k, rho)
    upper = bivariate(standardise(b, mu, Delta), k, -rho)
    return upper if np.isinf(a) else upper - bivariate(standardise(a, mu, Delta), k, -rho)


def siegert_rate(x, tau_m, tau_ref, V_th, V_r, sigma):
    """The rate of a leaky integrate-and-fire neuron with white noise (Siegert 1951)."""
    factor, period = siegert_period(x, tau_m, tau_ref, V_th, V_r, sigma)
    return factor / period


def siegert_difference(n, x, tau_m, tau_ref, V_th, V_r, sigma):
    """sigma times the slope of the rate's logarithm, at n = 0."""
    top, low = (V_th - x) / sigma, (V_r - x) / sigma
    factor, period = siegert_period(x, tau_m, tau_ref, V_th, V_r, sigma)
    peak = np.maximum(top, 0.0)
    # exp(-peak^2) erfcx(-u) for u <= peak
    ends = [
        np.where(
            u > 0,
            np.exp(np.minimum((u - peak) * (u + peak), 0.0)) * special.erfc(-np.maximum(u, 0.0)),
            factor * special.erfcx(np.maximum(-u, 0.0)),
        )
        for u in (top, low)
    ]
    return tau_m * np.sqrt(np.pi) * (ends[0] - ends[1]) / period


def siegert_period(x, tau_m, tau_ref, V_th, V_r, sigma):
    """exp(-y^2) with y = max((V_th - x) / sigma, 0), and exp(-y^2) divided by the rate.

    The integral of exp(u^2) (1 + erf u) is -F(-u) for u < 0 and 2 exp(u^2) D(u) - F(u) for u > 0, F
    that of erfcx from 0, D Dawson's integral.
    """
    top, low = (V_th - x) / sigma, (V_r - x) / sigma
    peak, start = np.maximum(top, 0.0), np.maximum(low, 0.0)
    factor = np.exp(-peak * peak)
    growth = 2 * (
        special.dawsn(peak) - np.exp((start - peak) * (start + peak)) * special.dawsn(start)
    )
    ends = np.log1p(np.abs(low)), np.log1p(np.abs(top))
    half = 0.5 * (ends[0] - ends[1])
    w = (
        np.expand_dims(0.5 * (ends[0] + ends[1]), -1) + np.expand_dims(half, -1) * LONG_NODES
    )  # erfcx(e^w - 1) e^w is smooth in w
    decay = half * np.sum(LONG_WEIGHTS * special.erfcx(np.expm1(w)) * np.exp(w), axis=-1)
    return factor, tau_ref * factor + tau_m * np.sqrt(np.pi) * (growth + factor * decay)


LONG_NODES, LONG_WEIGHTS = np.polynomial.legendre.leggauss(40)


def piecewise(x, pieces, breaks, *parameters):
    """The function that is pieces[k] from breaks[k - 1] (included) to breaks[k]."""
    with np.errstate(all="ignore"):
        value = np.broadcast_to(pieces[0](x, *parameters), np.shape(x))
        for b, piece in zip(breaks, pieces[1:], strict=True):
            value = np.where(x >= b, piece(x, *parameters), value)
    return value


def quadrature(pieces, slopes, breaks, mu, Delta, *parameters):
    """<f>, <f'> and <f^2>, one column for each mean and variance.

    They are right to about 1e-10 of <|f|>, <|f'|> and <f^2>.
    """
    columns = np.broadcast_arrays(mu, np.sqrt(Delta), *parameters)
    return np.stack(
        [average(pieces, slopes, breaks, *one) for one in zip(*columns, strict=True)], axis=-1
    )


def average(pieces, slopes, breaks, mu, sigma, *parameters):
    """<f>, <f'> and <f^2> for one mean and standard deviation.

    By Gauss-Legendre on panels that are halved until nothing changes.
    """

    def f(x):
        return piecewise(x, pieces, breaks, *parameters)

    def slope(x):
        value = piecewise(x, slopes, breaks, *parameters)
        return np.where(np.isnan(value) & np.isfinite(f(x)), 0.0, value)

    here = f(mu)
    if sigma == 0:
        return np.array([here, slope(mu), here**2])
    if not sigma > 0:
        return np.full(3, np.nan)
    low, high = reach(f, mu, sigma)
    inside = [k for k, b in enumerate(breaks) if low < b < high]
    with np.errstate(all="ignore"):
        singular = any(
            not np.isfinite(g(breaks[k], *parameters))
            for k in inside
            for g in (slopes[k], slopes[k + 1])
        )
        jumps = [
            (breaks[k], pieces[k + 1](breaks[k], *parameters) - pieces[k](breaks[k], *parameters))
            for k in inside
        ]

    def integrand(x):
        z, value = (x - mu) / sigma, f(x)
        change = (value - here) * z / sigma if singular else slope(x)  # Stein's lemma
        return (
            np.stack([value, change, value**2])
            * np.exp(-0.5 * z * z)
            / (sigma * np.sqrt(2 * np.pi))
        )

    steps = mu + sigma * np.arange(np.floor((low - mu) / sigma), (high - mu) / sigma)
    edges = np.concatenate([[low, high], np.asarray(breaks, dtype=float), steps, PANEL_EDGES])
    edges = np.unique(edges[(edges >= low) & (edges <= high)])
    total = integrate(integrand, edges)
    if not singular:
        total[1] += sum(jump * density(b, mu, sigma**2) for b, jump in jumps)
    return total


def reach(f, mu, sigma):
    """The interval outside of which f times the normal density is nothing."""
    z = np.linspace(-60.0, 60.0, 2401)
    with np.errstate(all="ignore"):
        value = np.abs(f(mu + sigma * z))
        size = np.log(np.maximum(value, np.abs(f(mu + sigma * z) - f(mu)))) - 0.5 * z * z
    size[~np.isfinite(size)] = -np.inf
    near = z[size > np.max(size) - 60.0] if np.isfinite(np.max(size)) else np.zeros(1)
    if np.max(near) > 55 or np.min(near) < -55:
        raise ValueError(
            f"the Gaussian average at mean {mu} and variance {sigma**2} is too large: the function "
            "grows faster than the density decays"
        )
    return mu + sigma * (min(np.min(near), -1.0) - 1.0), mu + sigma * (max(np.max(near), 1.0) + 1.0)


def integrate(integrand, edges):
    """Integrals of several functions over panels, each halved until that changes nothing."""

    def rule(left, right):
        half = 0.5 * (right - left)
        values = integrand((0.5 * (left + right))[:, None] + half[:, None] * NODES)
        return half * (values @ WEIGHTS), half * (np.abs(values) @ WEIGHTS)

    left, right = edges[:-1], edges[1:]
    whole, size = rule(left, right)
    total, size = np.zeros(len(whole)), np.sum(size, axis=1) + 1e-300
    for _ in range(60):
        middle = 0.5 * (left + right)
        parts = rule(left, middle)[0], rule(middle, right)[0]
        fine = (
            np.all(np.abs(parts[0] + parts[1] - whole) <= PRECISION * size[:, None], axis=0)
            | (middle <= left)
            | (middle >= right)
        )
        total += np.sum((parts[0] + parts[1])[:, fine], axis=1)
        if np.all(fine):
            return total
        whole = np.concatenate([part[:, ~fine] for part in parts], axis=1)
        left, right = (
            np.concatenate([left[~fine], middle[~fine]]),
            np.concatenate([middle[~fine], right[~fine]]),
        )
        size = np.maximum(size, np.sum(np.abs(whole), axis=1))
    return total + np.sum(whole, axis=1)


def observer(above, below, n, m):
    """A linear filter in observer form for n populations.

    It comes from the coefficients of 1, s, s^2, ... above and below; m is the order to fill up to:

        T dz_k/dt = z_{k+1} - a_k z_1 + b_k u, output z_1, T = d_m^(1/m),
        a_k = d_{m-k} / T^(m-k), b_k = n_{m-k} / T^(m-k).
    """
    own = len(below) - 1
    d, numerator = (
        np.stack([np.broadcast_to(np.asarray(c, dtype=float), (n,)) for c in side])
        for side in (below, above)
    )
    numerator = np.concatenate([numerator, np.zeros((own - len(numerator), n))])
    T = d[own] ** (1.0 / own)
    powers = T ** np.arange(own - 1, -1, -1.0)[:, None]
    padding = np.zeros((m - own, n))
    return (
        T,
        np.concatenate([d[:own][::-1] / powers, padding]),
        np.concatenate([numerator[::-1] / powers, padding]),
    )


def select(forms, of):
    """The filters of populations that have different forms: population p that of forms[of[p]]."""
    return tuple(
        np.stack([part[k][..., p] for p, k in enumerate(of)], axis=-1)
        for part in zip(*forms, strict=True)
    )


def respond(x, u, filters):
    """Time derivative of the states of filters, [level, filter, ...], under the input u."""
    T, a, b = (v.reshape(*v.shape, *(1,) * (x.ndim - 2)) for v in filters)
    beyond = np.concatenate([x[1:], np.zeros_like(x[:1])])
    return (beyond - a * x[:1] + b * u) / T


def diffuse(V, D, filters):
    """Time derivative of the covariances of filter states, [level, level, filter].

    White noise of intensity 2 D drives them.
    """
    T, a, b = filters
    once = np.concatenate([V[1:], np.zeros_like(V[:1])]) - a[:, None, :] * V[:1]
    return (once + once.swapaxes(0, 1)) / T + 2 * D * b[:, None, :] * b[None, :, :] / T**2
