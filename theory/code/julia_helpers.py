"""Functions that exported Julia files carry with them, by the names that others call."""

from __future__ import annotations

import re

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_LONG_NODES, _LONG_WEIGHTS = np.polynomial.legendre.leggauss(40)

_SOURCE = (
    f"""\
const NODES = {_NODES.tolist()}

const WEIGHTS = {_WEIGHTS.tolist()}

const LONG_NODES = {_LONG_NODES.tolist()}

const LONG_WEIGHTS = {_LONG_WEIGHTS.tolist()}
"""
    + r"""
# One value for each population
each(x::Number, P) = fill(float(x), P)
each(x, P) = x

# An input at time t
at_time(x::Function, t) = x(t)
at_time(x, t) = x

function root(x)
    return sqrt(max(x, 0.0))
end

function softplus(u)
    return max(u, 0.0) + log1p(exp(-abs(u)))
end

function sigmoid(u)
    return 1 / (1 + exp(-u))
end

function normal_cdf(h)
    return 0.5 * erfc(-h / sqrt(2.0))
end

# (c - mu) / sqrt(Delta); at Delta = 0 minus infinity for c <= mu, else infinity
function standardise(c, mu, Delta)
    if Delta > 0
        return (c - mu) / sqrt(Delta)
    end
    return mu >= c ? -Inf : Inf
end

# P(a < x < b) for x ~ N(mu, Delta), without cancellation in either tail
function probability(a, b, mu, Delta)
    low = standardise(a, mu, Delta)
    high = standardise(b, mu, Delta)
    return low > 0 ? normal_cdf(-low) - normal_cdf(-high) : normal_cdf(high) - normal_cdf(low)
end

# The average of the derivative of this order of a delta function at c; 0 at Delta = 0
function density(c, mu, Delta, order)
    if !(Delta > 0)
        return 0.0
    end
    z = (c - mu) / sqrt(Delta)
    before = 0.0
    hermite = 1.0
    for n in 0:order-1
        next = z * hermite - n * before
        before = hermite
        hermite = next
    end
    return hermite * exp(-0.5 * z^2) / (sqrt(2.0 * pi) * sqrt(Delta)^(order + 1))
end

# Delta times the normal density at c
function scaled_density(c, mu, Delta)
    return Delta * density(c, mu, Delta, 0)
end

# exp(L) P(Z < h), finite also where exp(L) overflows
function scaled_cdf(L, h)
    return h < 0 ? 0.5 * exp(L - h^2 / 2) * erfcx(-h / sqrt(2.0)) : exp(L) * normal_cdf(h)
end

# The part of a tilted average below c, or above it where t has the other sign
function tilted_below(c, t, scale, A, B, C, mu, Delta, w)
    if isinf(c)
        return t > 0 ? exp(scale) : 0.0
    end
    if t < 0
        here = -A * c^2 + B * c + C - 0.5 * standardise(c, mu, Delta)^2 - 0.5 * log(w)
        return 0.5 * exp(here) * erfcx(-t / sqrt(2.0))
    end
    return exp(scale) * normal_cdf(t)
end

# The average of exp(-A x^2 + B x + C) on a < x < b
function tilted_probability(a, b, A, B, C, mu, Delta)
    w = 1 + 2 * A * Delta
    plain = B * mu + B^2 * Delta / 2 + C
    scale = A == 0 ? plain : -A * (mu - B / (2 * A))^2 / w + C + B^2 / (4 * A)
    scale = scale - 0.5 * log(w)
    low = standardise(a, (mu + B * Delta) / w, Delta / w)
    high = standardise(b, (mu + B * Delta) / w, Delta / w)
    if isinf(b)
        return tilted_below(a, -low, scale, A, B, C, mu, Delta, w)
    end
    if low > 0
        above = tilted_below(b, -high, scale, A, B, C, mu, Delta, w)
        return tilted_below(a, -low, scale, A, B, C, mu, Delta, w) - above
    end
    below = tilted_below(a, low, scale, A, B, C, mu, Delta, w)
    return tilted_below(b, high, scale, A, B, C, mu, Delta, w) - below
end

# P(Z1 < h, Z2 < k) of standard normal variables with correlation rho, an integral over the angle
function bivariate(h, k, rho)
    h = min(max(h, -40.0), 40.0)
    k = min(max(k, -40.0), 40.0)
    side = rho < 0 ? -1.0 : 1.0
    last = asin(min(abs(rho), 1.0))
    if last == 0
        return normal_cdf(h) * normal_cdf(k)
    end
    g = t -> exp(-(h^2 + k^2 - 2 * side * h * k * sin(t)) / (2 * cos(t)^2))
    found = normal_cdf(h) * normal_cdf(k) + side * integral(g, [0.0, 0.5 * last, last]) / (2 * pi)
    return min(max(found, 0.0), 1.0)
end

# P(a < x < b, Z < alpha x + beta), Z standard normal
function gated_probability(a, b, alpha, beta, mu, Delta)
    width = sqrt(1 + alpha^2 * Delta)
    k = (alpha * mu + beta) / width
    rho = alpha * sqrt(Delta) / width
    if isinf(b)
        return bivariate(-standardise(a, mu, Delta), k, rho)
    end
    upper = bivariate(standardise(b, mu, Delta), k, -rho)
    return isinf(a) ? upper : upper - bivariate(standardise(a, mu, Delta), k, -rho)
end

# exp(-y^2) with y = max((V_th - x) / sigma, 0), and exp(-y^2) divided by the rate
function siegert_period(x, tau_m, tau_ref, V_th, V_r, sigma)
    top = (V_th - x) / sigma
    low = (V_r - x) / sigma
    peak = max(top, 0.0)
    start = max(low, 0.0)
    factor = exp(-peak^2)
    growth = 2 * (dawson(peak) - exp((start - peak) * (start + peak)) * dawson(start))
    half = 0.5 * (log1p(abs(low)) - log1p(abs(top)))
    middle = 0.5 * (log1p(abs(low)) + log1p(abs(top)))
    decay = 0.0
    for n in 1:40
        w = middle + half * LONG_NODES[n]
        decay = decay + half * LONG_WEIGHTS[n] * erfcx(expm1(w)) * exp(w)
    end
    return factor, tau_ref * factor + tau_m * sqrt(pi) * (growth + factor * decay)
end

# The rate of a leaky integrate-and-fire neuron with white noise (Siegert 1951)
function siegert_rate(x, tau_m, tau_ref, V_th, V_r, sigma)
    found = siegert_period(x, tau_m, tau_ref, V_th, V_r, sigma)
    return found[1] / found[2]
end

# exp(-peak^2) exp(u^2) (1 + erf(u)) for u <= peak
function siegert_end(u, peak, factor)
    return u > 0 ? exp((u - peak) * (u + peak)) * erfc(-u) : factor * erfcx(-u)
end

# sigma times the slope of the rate's logarithm, at n = 0
function siegert_difference(n, x, tau_m, tau_ref, V_th, V_r, sigma)
    found = siegert_period(x, tau_m, tau_ref, V_th, V_r, sigma)
    peak = max((V_th - x) / sigma, 0.0)
    reset = siegert_end((V_r - x) / sigma, peak, found[1])
    ends = siegert_end((V_th - x) / sigma, peak, found[1]) - reset
    return tau_m * sqrt(pi) * ends / found[2]
end

# <f>, <f'> and <f^2> over N(mu, sigma^2), on panels that are halved until nothing changes
function quadrature(f, slope, breaks, mu, sigma)
    here = f(mu)
    if sigma == 0
        return here, finite_slope(f, slope, mu), here^2
    end
    low, high = reach(f, mu, sigma)
    edges = [low, high]
    for n in -60:60
        push!(edges, mu + sigma * n)
    end
    for n in -31:31
        push!(edges, pi / 7 + n)
    end
    for n in 5:10
        push!(edges, pi / 7 + 2.0^n)
        push!(edges, pi / 7 - 2.0^n)
    end
    singular = false
    jumps = 0.0
    for b in breaks
        if low < b[1] && b[1] < high
            push!(edges, b[1])
            singular = singular || !isfinite(b[4]) || !isfinite(b[5])
            jumps = jumps + (b[3] - b[2]) * density(b[1], mu, sigma^2, 0)
        end
    end
    edges = sort(unique(filter(x -> low <= x && x <= high, edges)))
    weight = x -> exp(-0.5 * ((x - mu) / sigma)^2) / (sigma * sqrt(2.0 * pi))
    R = integral(x -> f(x) * weight(x), edges)
    C = integral(x -> f(x)^2 * weight(x), edges)
    # near a singular slope by Stein's lemma
    change = singular ? (x -> (f(x) - here) * (x - mu) / sigma^2) : (x -> finite_slope(f, slope, x))
    G = integral(x -> change(x) * weight(x), edges) + (singular ? 0.0 : jumps)
    return R, G, C
end

function finite_slope(f, slope, x)
    found = slope(x)
    return isnan(found) && isfinite(f(x)) ? 0.0 : found
end

# The interval outside of which f times the normal density is nothing
function reach(f, mu, sigma)
    here = f(mu)
    sizes = [log_size(f, here, mu + sigma * 0.05 * n) - 0.5 * (0.05 * n)^2 for n in -1200:1200]
    most = maximum(sizes)
    if !isfinite(most)
        return mu - 2 * sigma, mu + 2 * sigma
    end
    near = [0.05 * (n - 1201) for n in 1:2401 if sizes[n] > most - 60]
    if maximum(near) > 55 || minimum(near) < -55
        error("a Gaussian average is too large: the function grows faster than the density decays")
    end
    return mu + sigma * (min(minimum(near), -1.0) - 1), mu + sigma * (max(maximum(near), 1.0) + 1)
end

function log_size(f, here, x)
    found = log(max(abs(f(x)), abs(f(x) - here)))
    return isfinite(found) ? found : -Inf
end

function rule(g, left, right)
    half = 0.5 * (right - left)
    middle = 0.5 * (left + right)
    total = 0.0
    for n in 1:16
        total = total + half * WEIGHTS[n] * g(middle + half * NODES[n])
    end
    return total
end

function refined(g, left, right, whole, tolerance, depth)
    middle = 0.5 * (left + right)
    first = rule(g, left, middle)
    second = rule(g, middle, right)
    change = abs(first + second - whole)
    if depth == 0 || change <= tolerance || change <= 1.0e-14 * (abs(first) + abs(second))
        return first + second
    end
    lower = refined(g, left, middle, first, tolerance, depth - 1)
    return lower + refined(g, middle, right, second, tolerance, depth - 1)
end

# The integral over panels, each halved until that changes nothing
function integral(g, edges)
    size = 1.0e-300
    for n in 1:length(edges)-1
        size = size + rule(x -> abs(g(x)), edges[n], edges[n+1])
    end
    total = 0.0
    for n in 1:length(edges)-1
        whole = rule(g, edges[n], edges[n+1])
        total = total + refined(g, edges[n], edges[n+1], whole, 1.0e-12 * size, 50)
    end
    return total
end

# Time derivative of the states x of a filter (its coefficients) under the input u, in observer
# form: T dz_k/dt = z_{k+1} - a_k z_1 + b_k u, output z_1, T = d_m^(1/m),
# a_k = d_{m-k} / T^(m-k), b_k = n_{m-k} / T^(m-k)
function respond!(dx, x, u, filter)
    above, below = filter
    m = length(below) - 1
    T = below[m+1]^(1 / m)
    for k in 1:length(x)
        n = m - k
        if n < 0
            dx[k] = 0.0
        else
            beyond = n > 0 ? x[k+1] : 0.0
            gain = n < length(above) ? above[n+1] : 0.0
            dx[k] = (beyond + (gain * u - below[n+1] * x[1]) / T^n) / T
        end
    end
end

# Time derivative of the covariances of a filter's states under white noise of intensity 2 D
function diffuse!(dV, V, D, filter)
    above, below = filter
    m = length(below) - 1
    T = below[m+1]^(1 / m)
    a = [below[m-k+1] / T^(m - k) for k in 1:m]
    b = [m - k < length(above) ? above[m-k+1] / T^(m - k) : 0.0 for k in 1:m]
    for k in 1:size(V, 1), j in 1:size(V, 1)
        if k > m || j > m
            dV[k, j] = 0.0
        else
            own = (k < m ? V[k+1, j] : 0.0) - a[k] * V[1, j]
            drift = own + (j < m ? V[k, j+1] : 0.0) - a[j] * V[k, 1]
            dV[k, j] = drift / T + 2 * D * b[k] * b[j] / T^2
        end
    end
end
"""
)


def _name(block: str) -> str:
    """The name that a block of code defines; comments may go before."""
    return re.search(
        r"^(?:const |function )?(\w+!?)", re.sub(r"^#.*\n", "", block, flags=re.MULTILINE)
    )[1]  # type: ignore[index]


HELPERS = {_name(block): block for block in _SOURCE.strip().split("\n\n")}
