"""The quantities of the theory, once: how they are indexed, printed and described."""

from __future__ import annotations

from typing import NamedTuple

import sympy as sp


class Quantity(NamedTuple):
    """A named quantity: its symbol in SymPy, its LaTeX, its indices, and what it is."""

    name: str
    latex: str
    indices: str
    meaning: str

    @property
    def base(self) -> sp.IndexedBase:
        return sp.IndexedBase(self.name)


def _correlation(name: str, indices: str, of: str) -> Quantity:
    latex = rf"\tau^{{\mathrm{{{name}}}}}"
    return Quantity(f"tau_{name}", latex, indices, f"correlation of {of}")


# fmt: off
_QUANTITIES = [
    Quantity("fractions", r"\alpha", "p", "fraction of neurons in population p, N_p / N"),
    Quantity("mean", r"\bar{J}", "pq", "mean of a synapse from population q onto population p"),
    Quantity("g", "g", "pq", "standard deviation of that synapse times the square root of N"),
    _correlation("con", "pqr", "J_ij and J_ik (convergent), i in p, j in q, k in r"),
    _correlation("div", "qpr", "J_ij and J_kj (divergent), j in q, i in p, k in r"),
    _correlation("chn", "pqr", "J_ij and J_jk (chain), i in p, j in q, k in r"),
    _correlation("rec", "pq", "J_ij and J_ji (reciprocal), i in p, j in q"),
    _correlation("inp", "pq", "xi_j, the offset of neuron j's input, and J_ij, i in p, j in q"),
    Quantity("noise", "D", "p",
        "half the intensity of the white noise in the input of each neuron of population p"),
    Quantity("drive", "I", "p", "external input to population p"),
    Quantity("in_strength", "h", "q", "external input along u_i^q, per unit of u_i^q"),
    Quantity("pattern_input", r"h^{f}", "pk",
        "external input along the pattern that is feature k of population p, per unit of it"),
    Quantity("spread", r"\sigma", "p",
        "standard deviation of the independent offsets of the inputs to population p"),
    Quantity("SOURCES", "m", "fq",
        "1 where the synapses of population q have the filter f, else 0"),
    Quantity("A", "A", "pq", "share of a synapse's variance left after rows and columns"),
    Quantity("B", "B", "pq", "reciprocal correlation left after rows and columns"),
    Quantity("K", "K", "p", "mean input current of population p"),
    Quantity("kappa", r"\kappa", "q",
        "latent variable of within-population variability along u_i^q, the filtered alpha_q R_q"),
    Quantity("rho", r"\rho", "q", "filtered alpha_q R_q, without the external input along u_i^q"),
    Quantity("s", "s", "q", "filtered root mean square rate of population q"),
    Quantity("e", "e", "q", "alpha_q R_q as the synapses of population q pass it on"),
    Quantity("v", "v", "q", "root mean square rate of population q as its synapses pass it on"),
    Quantity("current", "c", "fp",
        "mean input to population p from columns and reciprocity, through synapses with "
        "the filter f"),
    Quantity("chi", r"\chi", "q",
        "mean susceptibility of population q: what its rates gain when their fields h_j "
        "grow, averaged"),
    Quantity("Gamma", r"\Gamma", "p",
        "what a neuron of population p feels of its own rate, through reciprocal synapses"),
    Quantity("z", "z", "p", "filtered spread of the inputs to population p"),
    Quantity("V", "V", "p", "variance in time of the input current that white noise makes"),
    Quantity("Delta", r"\Delta", "p", "variance of the input current within population p"),
    Quantity("R", "R", "q", "mean rate of population q"),
    Quantity("G", "G", "q",
        "mean gain of population q, the average slope of its transfer function"),
    Quantity("C", "C", "q", "second moment of the rates of population q"),
    Quantity("susceptibility", r"\langle d\phi / dh \rangle", "q",
        "average slope of the rate of population q as a function of the field h_j"),
    Quantity("H", "H", "q", "average curvature of the transfer function of population q"),
    Quantity("T", r"\Theta", "q",
        "average third derivative of the transfer function of population q"),
    Quantity("C1", r"\langle 2 \phi \phi' \rangle", "q", "derivative of C_q with respect to K_q"),
    Quantity("C2", r"\langle \phi'^2 + \phi \phi'' \rangle", "q",
        "derivative of C_q with respect to Delta_q"),
    Quantity("x", "x", "i", "input current of neuron i"),
    Quantity("field", "h", "i", "input current of neuron i without what it feels of its own rate"),
    Quantity("J", "J", "ij", "synapse from neuron j onto neuron i"),
    Quantity("a", "a", "iq", "deviation of neuron i's in-strength from population q, per synapse"),
    Quantity("b", "b", "jp", "deviation of neuron j's out-strength to population p, per synapse"),
    Quantity("w", "w", "ij", "residual of a synapse after mean, row and column"),
    Quantity("u", "u", "iq", "N a_i^q"),
    Quantity("y", "y", "i", "filtered residual field of neuron i, the field of w"),
    Quantity("xi", r"\xi", "i",
        "offset of neuron i's external input, standard normal across neurons"),
    Quantity("n", "n", "i", "what white noise makes of neuron i's input current"),
    Quantity("feature", "f", "ik", "feature k of neuron i, centred"),
    Quantity("gamma", r"\Gamma", "pqkl",
        "what synapses from population q onto p gain per feature k of the target and feature l "
        "of the source"),
    Quantity("weight", r"\pi", "mq", "weight of component m in population q"),
    Quantity("mean_in", r"\bar{u}", "mqr", "mean of u_j^r in component m of population q"),
    Quantity("mean_out", r"\bar{b}", "mqp", "mean of b_j^p in component m of population q"),
    Quantity("mean_feature", r"\bar{f}", "mqk", "mean of feature k in component m of population q"),
    Quantity("cov_in", r"S^{uu}", "mpqr",
        "covariance of u_i^q and u_i^r within component m of population p"),
    Quantity("cov_in_feature", r"S^{uf}", "mpqk",
        "covariance of u_i^q and feature k within component m of population p"),
    Quantity("cov_features", r"S^{f\!f}", "mpkl",
        "covariance of features k and l within component m of population p"),
    Quantity("cov_out_in", r"S^{bu}", "mqpr",
        "covariance of b_j^p and u_j^r within component m of population q"),
    Quantity("cov_out_feature", r"S^{bf}", "mqpk",
        "covariance of b_j^p and feature k within component m of population q"),
    Quantity("feature_covariance", r"\Phi", "pkl",
        "covariance of features k and l in population p"),
    Quantity("E", "E", "pq", "N times the variance of a synapse that features explain"),
    Quantity("E_back", r"\tilde{E}", "pq",
        "N times the covariance of J_ij and J_ji that features explain"),
    Quantity("theta", r"\theta", "pk",
        "latent variable of the variability along feature k of population p"),
    Quantity("along", "c", "fpk",
        "input to population p along feature k, through synapses with the filter f"),
    Quantity("shift", r"\mu", "mp",
        "mean input current of component m of population p, less K_p"),
    Quantity("Delta_c", r"\Delta", "mp",
        "variance of the input current within component m of population p"),
    Quantity("R_c", "R", "mq", "mean rate of component m of population q"),
    Quantity("G_c", "G", "mq", "mean gain of component m of population q"),
    Quantity("C_c", "C", "mq", "second moment of the rates of component m of population q"),
    Quantity("H_c", "H", "mq",
        "average curvature of the transfer function in component m of population q"),
    Quantity("T_c", r"\Theta", "mq",
        "average third derivative of the transfer function in component m of population q"),
    Quantity("C1_c", r"\langle 2 \phi \phi' \rangle", "mq",
        "derivative of C_mq with respect to K_q"),
    Quantity("C2_c", r"\langle \phi'^2 + \phi \phi'' \rangle", "mq",
        "derivative of C_mq with respect to its variance"),
    Quantity("beta", r"\beta", "pq", "covariance of b_j^p and the rates of population q"),
    Quantity("eta", r"\eta", "ql", "covariance of feature l and the rates of population q"),
]
# fmt: on
QUANTITIES = {quantity.name: quantity for quantity in _QUANTITIES}

STATES = ("K", "kappa", "theta", "rho", "s", "e", "v", "current", "along", "chi", "z", "V")
PARAMETERS = (
    *("fractions", "mean", "g"),
    *("tau_con", "tau_div", "tau_chn", "tau_rec", "tau_inp"),
    "noise",
)
DRIVES = ("drive", "in_strength", "pattern_input", "spread")
AVERAGES = ("R", "G", "C")
STRENGTHS = (
    *("weight", "mean_in", "mean_out", "mean_feature"),
    *("cov_in", "cov_in_feature", "cov_features", "cov_out_in", "cov_out_feature"),
    *("feature_covariance", "gamma"),
)
"""The numbers of the distribution of strengths, and of assortativity."""

# which two synapses each class of motifs correlates, and which parts of synapses are correlated
PAIRS = {
    "convergent": "J_{ij}, J_{ik}",
    "divergent": "J_{ij}, J_{kj}",
    "chain": "J_{ij}, J_{jk}",
    "reciprocal": "J_{ij}, J_{ji}",
}
PARTS = {
    "rows": "a_i^q, a_i^r",
    "columns": "b_j^p, b_j^r",
    "across": "b_j^p, a_j^r",
    "back": "w_{ij}, w_{ji}",
}
