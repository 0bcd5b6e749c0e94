"""Networks and hand-written averages that several benchmarks share."""

import math

import numpy as np
from scipy.special import erf

import motifield as mf

TRANSFERS = {"erf": "1 + erf((x - 3/2) / (4/5 * sqrt(2)))", "tanh": "1 + tanh(x - 3/2)"}
# 80 nodes are not enough for tanh: trajectories are 4e-4 from the solution
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(160)
WEIGHTS = WEIGHTS / math.sqrt(2 * math.pi)


def erf_averages(mu, Delta):
    """<1 + erf((x - 3/2) / (.8 sqrt 2))> and the average of its slope, in NumPy."""
    width = np.sqrt(0.64 + Delta)
    z = (mu - 1.5) / width
    return 1 + erf(z / math.sqrt(2)), math.sqrt(2 / math.pi) * np.exp(-0.5 * z * z) / width


def tanh_averages(mu, Delta):
    """<1 + tanh(x - 3/2)> and the average of its slope, with 160 Gauss-Hermite nodes, in NumPy."""
    t = np.tanh((mu - 1.5)[:, None] + np.sqrt(np.maximum(Delta, 0))[:, None] * NODES)
    return 1 + t @ WEIGHTS, (1 - t * t) @ WEIGHTS


AVERAGES = {"erf": erf_averages, "tanh": tanh_averages}


def excitation_inhibition(n: int, **numbers) -> mf.Parameters:
    """Four fifths E, one fifth I."""
    return mf.Parameters.of(populations=["E", "I"], N=n, fractions=[0.8, 0.2], **numbers)


def one_hidden_variable(mean, tau: float, input) -> mf.Parameters:
    """1000 neurons of E/I whose motifs share one coefficient, as in docs/theory.md, section 5."""
    motifs = mf.Motifs.shared(tau)
    return excitation_inhibition(1000, mean=mean, g=0.2, motifs=motifs, input=input)


def all_motifs(n: int) -> mf.Parameters:
    """E/I of n neurons with all motifs."""
    mean, g = np.array([[6, -12], [7, -8]]) / n, [[0.3, 0.4], [0.35, 0.3]]
    motifs = mf.Motifs(16 / n, 12 / n, 10 / n, 0.2)
    return excitation_inhibition(n, mean=mean, g=g, motifs=motifs, input=0.5)
