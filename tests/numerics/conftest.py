"""Networks that several tests of analysis look at, and how sampled ones are compared with what was
asked for.
"""

from types import SimpleNamespace

import numpy as np
import pytest


def offered(thing):
    """A fixture that is the thing itself."""
    return pytest.fixture(scope="session")(lambda: thing)


def network(populations, N=1000, **given):
    """Parameters of one population, or by default of E, four fifths of the neurons, and I."""
    import motifield as mf

    fractions = [1.0] if len(populations) == 1 else [0.8, 0.2]
    return mf.Parameters.of(
        **({"populations": list(populations), "N": N, "fractions": fractions} | given)
    )


@pytest.fixture(scope="session")
def oscillating_network():
    """System and parameters of excitation with slower inhibition, which oscillates when it is
    driven.
    """
    import motifield as mf
    from motifield.theory.architecture import filters

    architecture = mf.Architecture(
        ["E", "I"],
        "1 + erf((x - 1)/sqrt(2))",
        membrane={"E": filters.membrane(1.0), "I": filters.membrane(2.0)},
    )
    mean = [[0.005, -0.02], [0.005, -0.002]]
    parameters = network("EI", mean=mean, g=0.2, motifs=mf.Motifs.shared(0.004), input=[0.0, -0.5])
    return mf.compile(mf.derive(architecture, mf.MotifOnly())), parameters


@pytest.fixture(scope="session")
def bistable_parameters():
    """Of a network with two stable states, docs/theory.md, section 5: J0 = .003, g = 2, I = 0."""
    import motifield as mf

    return network("EI", mean=[[0.003, -0.006]] * 2, g=0.2, motifs=mf.Motifs.shared(0.02))


of_populations = offered(network)


@pytest.fixture(scope="session")
def one_population(of_populations):
    """Makes parameters of a single population, with convergence .01."""
    import motifield as mf

    def made(N, **given):
        return of_populations("E", N, motifs=mf.Motifs(convergent=0.01), **given)

    return made


@pytest.fixture
def family(request):
    """The marginal distribution of the name that a test asks for, with `indirect`."""
    from motifield import marginals

    histogram = ([0.0, 0.5, 1.0, 2.0, 3.0], [2, 6, 5, 1])
    return {
        "constant": marginals.Constant(),
        "gaussian": marginals.Gaussian(),
        "lognormal": marginals.Lognormal(),
        "gamma": marginals.Gamma(),
        "truncated": marginals.TruncatedGaussian(),
        "histogram": marginals.Histogram(*histogram),
        "shifted": marginals.Histogram(*histogram, shifted=True),
    }[request.param]


MOTIFS = ("convergent", "divergent", "chain", "reciprocal")


def standard_scores(parameters, found):
    """By statistic: (mean over networks - asked for) / standard error; found:
    their `Statistics`.
    """
    g, N = np.asarray(parameters.g), float(parameters.N)
    scales = (
        g[:, :, None] * g[:, None, :],
        g.T[:, :, None] * g.T[:, None, :],
        g[:, :, None] * g[None, :, :],
        g * g.T,
    )
    asked = {
        name: np.asarray(t) * scale / N
        for name, t, scale in zip(MOTIFS, parameters.motifs, scales, strict=True)
    }
    asked |= {"mean": np.asarray(parameters.mean), "variance": g**2 / N}
    scores = {}
    for name, value in asked.items():
        values = np.stack([getattr(s, name) for s in found])
        scores[name] = (values.mean(0) - value) / (values.std(0, ddof=1) / np.sqrt(len(found)))
    return scores


scores_of = offered(standard_scores)


@pytest.fixture(scope="session")
def least_score_of_wrong_tensors():
    """Each motif with the wrong sign, and chains with their ends exchanged: the largest score of
    each, the least of these.
    """

    def least(parameters, found):
        wrong = [
            parameters.replace(**{name: -np.asarray(getattr(parameters, name))})
            for name in ("tau_con", "tau_div", "tau_chn", "tau_rec")
        ]
        largest = [
            max(np.abs(z).max() for z in standard_scores(own, found).values()) for own in wrong
        ]
        turned = parameters.replace(tau_chn=np.asarray(parameters.tau_chn).transpose(2, 1, 0))
        return min(*largest, np.abs(standard_scores(turned, found)["chain"]).max())

    return least


@pytest.fixture(scope="session")
def signed_network():
    """signed_network(P, seed, N, cv, c): every statistic of its own, one sign per source population
    (+, -, +, ...).

    The variance of a synapse is that of weights with the coefficients of variation `cv`, (P, P),
    present with the probabilities `c`, (P, P).
    """
    import motifield as mf

    def made(P, seed=3, N=450, cv=0.6, c=1.0, strength=0.02):
        rng = np.random.default_rng(seed)
        g = rng.uniform(0.3, 0.6, (P, P))
        sign = np.where(np.arange(P) % 2, -1.0, 1.0)
        mean = sign * g / np.sqrt(N) / np.sqrt((cv**2 + 1 - c) / c)
        factors = rng.normal(size=(P, 2 * P, 2 * P + 1))
        blocks = strength * (
            0.5 * np.eye(2 * P) + 0.5 * np.einsum("qia,qja->qij", factors, factors) / (2 * P)
        )
        rec = rng.uniform(-0.12, 0.12, (P, P))
        fractions = rng.uniform(0.6, 1.4, P)
        motifs = mf.Motifs(
            blocks[:, :P, :P],
            blocks[:, P:, P:],
            blocks[:, P:, :P].transpose(1, 0, 2),
            (rec + rec.T) / 2,
        )
        return mf.Parameters.of(
            N=N,
            fractions=fractions / fractions.sum(),
            populations=list("ABCD"[:P]),
            mean=mean,
            g=g,
            motifs=motifs,
        )

    return made


def motifs_of(covariances, g, N):
    """Coefficients whose strengths have these covariances of (u, b) by population, (P, 2P, 2P)."""
    import motifield as mf

    P, g = len(g), np.asarray(g)
    con, div, chn = np.zeros((3, P, P, P))
    for p, q, r in np.ndindex(P, P, P):
        con[p, q, r] = covariances[p][q, r] / (N * g[p, q] * g[p, r])
        div[q, p, r] = N * covariances[q][P + p, P + r] / (g[p, q] * g[r, q])
        chn[p, q, r] = covariances[q][P + p, r] / (g[p, q] * g[q, r])
    around = np.einsum("pqp->pq", chn)
    return mf.Motifs(con, div, chn, around + around.T)


@pytest.fixture(scope="session")
def mixed_network():
    """mixed_network(P, M, N, seed, size, gamma, patterns): skewed, correlated strengths in M
    components, assortativity with four different elements in each block, B = 0 but for it.

    size: standard deviation of u, and of N b; g: its range; gamma: the standard deviation of
    N Gamma, or N Gamma of all blocks; patterns: names of features of their own beside the total
    strengths, correlated with these.
    """
    import motifield as mf

    def made(P=1, M=2, N=600, seed=1, size=0.5, g=(0.5, 0.9), gamma=0.5, patterns=(), **changes):
        rng = np.random.default_rng(seed)
        features = ("in", "out", *patterns)
        D, F = 2 * P + len(patterns), len(features)
        fractions = np.linspace(1.0, 1.5, P) / np.linspace(1.0, 1.5, P).sum()
        unit = size * np.r_[np.ones(P), np.ones(P) / N, np.ones(len(patterns)) / size]
        T = np.eye(D)
        totals = np.zeros((2, D))
        totals[0, :P], totals[1, P : 2 * P] = fractions, N * fractions
        T = np.vstack([T[: 2 * P], totals, T[2 * P :]])
        weights, means, covariances, whole = [], [], [], []
        for _ in range(P):
            w = np.sort(rng.dirichlet(np.full(M, 4.0)))
            m = rng.normal(size=(M, D))
            m = (m - w @ m) * unit
            half = rng.normal(size=(M, D, D)) / np.sqrt(D)
            S = 0.6 * np.einsum("mij,mkj->mik", half, half) * np.outer(unit, unit)
            whole.append(np.einsum("m,mi,mj->ij", w, m, m) + np.einsum("m,mij->ij", w, S))
            weights.append(w)
            means.append(m @ T.T)
            covariances.append(T @ S @ T.T)
        g, mean = rng.uniform(*g, (P, P)), rng.uniform(-1.0, 1.0, (P, P)) / N
        random = gamma * rng.normal(size=(P, P, F, F)) if np.ndim(gamma) == 0 else gamma
        given = {
            "N": N,
            "fractions": fractions,
            "mean": mean,
            "g": g,
            "motifs": motifs_of(whole, g, N),
            "strengths": {
                "features": features,
                "gamma": np.broadcast_to(random, (P, P, F, F)) / N,
                "weights": weights,
                "means": means,
                "covariances": covariances,
            },
        }
        return mf.Parameters.of(**(given | changes))

    return made


TARGETS = """
rate_mean E spontaneous, rate_mean I spontaneous,
rate_mean E gratings, rate_mean I gratings, rate_mean E+I gratings,
rate_sd E gratings, rate_sd I gratings,
rate_correlation E gratings spontaneous, rate_change I gratings spontaneous
"""


def made_up_targets():
    """Of every kind, as rows: fitted ones, held-out quantiles, a time course."""
    rows = [
        dict(zip(("quantity", "population", "condition", "against"), entry.split(), strict=False))
        for entry in TARGETS.split(",")
    ]
    rows = [
        {**row, "value": 0.2 + 0.05 * k, "error": 0.02 + 0.001 * k} for k, row in enumerate(rows)
    ]
    rows += [
        {
            "quantity": "rate_quantile",
            "level": level,
            "population": p,
            "condition": "gratings",
            "value": level,
            "error": 0.05,
            "held_out": True,
        }
        for p in ("E", "I")
        for level in (0.25, 0.75)
    ]
    return rows + [
        {
            "quantity": "rate_mean",
            "population": p,
            "condition": "flash",
            "time": t,
            "value": 0.5 + 0.1 * t,
            "error": 0.04,
        }
        for t in (2.0, 0.0, 1.0)
        for p in ("E", "I")
    ]


def made_up_problem(system):
    """Two populations with synapses, an input and a class of motifs to be found."""
    import motifield as mf

    base = network(
        "EI",
        N=4000,
        mean=[[0.001, -0.006], [0.0015, -0.005]],
        g=[[0.1, 0.2], [0.3, 0.4]],
        motifs=mf.Motifs(convergent=0.01, divergent=0.01),
        input=1.0,
    )
    unknowns = [
        *mf.fitting.dale({"E": 1, "I": -1}, base),
        "input[E] @ gratings",
        mf.fitting.Unknown(("g[E,E]", "g[I,E]"), low=0),
    ]
    return mf.fitting.Problem.of(
        system,
        base,
        mf.Targets.of(made_up_targets()),
        unknowns,
        motifs=mf.fitting.FreeMotifs.classes("chain"),
    )


@pytest.fixture(scope="session")
def made_up_fit(system_of):
    """Two populations, every kind of target, nine starts: nothing was searched or solved, the
    numbers are random. For pictures and pages.
    """
    from motifield.numerics.fitting.least_squares import Minima
    from motifield.numerics.fitting.minima import Fit

    problem = made_up_problem(system_of("Max(x, 0)**2", "SecondMoment"))
    rng = np.random.default_rng(1)
    u = problem.coordinates.given() + 0.35 * rng.normal(size=(9, problem.coordinates.size))
    loss = np.array([3.1, 3.1, 3.1, 3.1, 4.0, 7.0, 22.0, 90.0, np.nan])
    made = Fit(
        problem,
        Minima(
            u, np.zeros((9, len(problem.conditions), 6)), loss, np.full(9, 20), np.arange(9) != 5
        ),
    )
    targets = problem.targets
    made.__dict__["predictions"] = targets.value + targets.error * rng.normal(size=len(targets))
    return made


@pytest.fixture(scope="session")
def made_up_identifiability(made_up_fit):
    """Of `made_up_fit`, with random derivatives: targets see seven directions, the first number by
    itself, and the limit on the bulk one more.
    """
    from motifield.numerics.inference.determined import identifiability

    problem, rng = made_up_fit.problem, np.random.default_rng(2)
    count, size = int(problem.fitted.sum()), problem.coordinates.size
    jacobian = np.zeros((count + 1, size))
    jacobian[0, 0] = 1.0
    jacobian[1:7, 1:] = rng.normal(size=(6, size - 1))
    jacobian[count] = rng.normal(size=size)
    problem.__dict__["jacobian"] = lambda u, states: jacobian
    held_out = rng.normal(size=(int(problem.held_out.sum()), size))
    problem.__dict__["held_out_jacobian"] = lambda u, states: held_out
    problem.__dict__["compiled"] = lambda u, states: (
        None,
        SimpleNamespace(values=made_up_fit.predictions, residuals=np.zeros(1)),
    )
    return identifiability(made_up_fit)
