"""Networks that several tests of analysis look at, and how sampled ones are compared with what was asked for."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def oscillating_network():
    """System and parameters of excitation with slower inhibition, which oscillates when it is driven."""
    import motifield as mf
    from motifield.theory import filters

    architecture = mf.Architecture(["E", "I"], "1 + erf((x - 1)/sqrt(2))", membrane={"E": filters.membrane(1.0), "I": filters.membrane(2.0)})
    parameters = mf.Parameters.of(populations=["E", "I"], N=1000, fractions=[0.8, 0.2], mean=[[0.005, -0.02], [0.005, -0.002]], g=0.2,
                                  motifs=mf.Motifs.shared(0.004), input=[0.0, -0.5])  # fmt: skip
    return mf.compile(mf.derive(architecture, mf.MotifOnly())), parameters


MOTIFS = ("convergent", "divergent", "chain", "reciprocal")


def standard_scores(parameters, found):
    """By statistic: (mean over networks - asked for) / standard error; found: their `Statistics`."""
    g, N = np.asarray(parameters.g), float(parameters.N)
    scales = (g[:, :, None] * g[:, None, :], g.T[:, :, None] * g.T[:, None, :], g[:, :, None] * g[None, :, :], g * g.T)
    asked = {name: np.asarray(t) * scale / N for name, t, scale in zip(MOTIFS, parameters.motifs, scales, strict=True)}
    asked |= {"mean": np.asarray(parameters.mean), "variance": g**2 / N}
    scores = {}
    for name, value in asked.items():
        values = np.stack([getattr(s, name) for s in found])
        scores[name] = (values.mean(0) - value) / (values.std(0, ddof=1) / np.sqrt(len(found)))
    return scores


@pytest.fixture(scope="session")
def scores_of():
    """`standard_scores`."""
    return standard_scores


@pytest.fixture(scope="session")
def least_score_of_wrong_tensors():
    """Each motif with the wrong sign, and chains with their ends exchanged: the largest score of each, the least of these."""

    def least(parameters, found):
        wrong = [parameters.replace(**{name: -np.asarray(getattr(parameters, name))}) for name in ("tau_con", "tau_div", "tau_chn", "tau_rec")]
        largest = [max(np.abs(z).max() for z in standard_scores(own, found).values()) for own in wrong]
        turned = parameters.replace(tau_chn=np.asarray(parameters.tau_chn).transpose(2, 1, 0))
        return min(*largest, np.abs(standard_scores(turned, found)["chain"]).max())

    return least


@pytest.fixture(scope="session")
def signed_network():
    """signed_network(P, seed, N, cv, c): every statistic of its own, one sign per source population (+, -, +, ...).

    The variance of a synapse is that of weights with the coefficients of variation `cv`, (P, P), present with the probabilities `c`, (P, P).
    """
    import motifield as mf

    def made(P, seed=3, N=450, cv=0.6, c=1.0, strength=0.02):
        rng = np.random.default_rng(seed)
        g = rng.uniform(0.3, 0.6, (P, P))
        sign = np.where(np.arange(P) % 2, -1.0, 1.0)
        mean = sign * g / np.sqrt(N) / np.sqrt((cv**2 + 1 - c) / c)
        factors = rng.normal(size=(P, 2 * P, 2 * P + 1))
        blocks = strength * (0.5 * np.eye(2 * P) + 0.5 * np.einsum("qia,qja->qij", factors, factors) / (2 * P))
        rec = rng.uniform(-0.12, 0.12, (P, P))
        fractions = rng.uniform(0.6, 1.4, P)
        motifs = mf.Motifs(blocks[:, :P, :P], blocks[:, P:, P:], blocks[:, P:, :P].transpose(1, 0, 2), (rec + rec.T) / 2)
        return mf.Parameters.of(N=N, fractions=fractions / fractions.sum(), populations=list("ABCD"[:P]), mean=mean, g=g, motifs=motifs)

    return made
