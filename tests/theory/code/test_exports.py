"""Exported NumPy modules and XPPAUT files: run, and compared with the JAX code."""

import subprocess
import sys
import types

import jax
import numpy as np
import pytest
import xpplab
from scipy.integrate import quad, solve_ivp
from scipy.stats import norm

import motifield as mf
from motifield.errors import ArchitectureError, NoClosedFormError, ParameterError, SpecError
from motifield.numerics.system.exports import flat
from motifield.theory.architecture import filters
from motifield.theory.code.to_numpy import numpy_module
from motifield.theory.code.to_xpp import LONGEST_LINE, xpp_ode

MEMBRANE = {"E": filters.adapting(tau=0.8, strength=1.5, tau_a=6), "I": filters.membrane(0.4)}
SYNAPSE = {
    "E": filters.exponential(0.3) * filters.gamma_delay(1.5, 2),
    "I": filters.exponential(0.2),
}
ALL_INPUTS = ["in-strength", "spread", "out-strength"]
EVERYTHING = {"membrane": MEMBRANE, "synapse": SYNAPSE, "inputs": [*ALL_INPUTS, "noise"]}


def loaded(mean_field):
    module = types.ModuleType("exported")
    exec(compile(numpy_module(mean_field), "exported", "exec"), module.__dict__)
    return module


def test_the_numpy_code_is_the_jax_code(exported, scalars):
    mean_field = exported
    module, numbers = loaded(mean_field), scalars(mean_field)
    state = module.rest(2)
    numbers.fill(mean_field, state)
    c = module.coefficients(numbers.parameters)
    drive = module.Drive(*numbers.drive) if hasattr(module, "Drive") else np.asarray(numbers.drive)
    change = module.unpack(module.vector_field(0.0, module.pack(state), c, lambda t: drive), 2)
    found = {
        name: array[index] / scale
        for name, (array, index, scale) in numbers.places(mean_field, change).items()
    }
    wanted = numbers.rates()
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
    np.testing.assert_allclose(
        module.rates(state, c), numbers.module.rates(numbers.state, numbers.c), rtol=1e-9
    )


def test_the_numpy_module_stands_alone(tmp_path):
    mean_field = mf.derive(
        mf.Architecture(["E", "I"], ["tanh", "Phi(2*x)**2"], **EVERYTHING), mf.LowRank()
    )
    mf.export.save(mean_field, None, tmp_path / "alone.np.py")
    code = (
        "import sys; source = open(sys.argv[1]).read(); scope = {}; exec(source, scope)\n"
        "loaded = {n.split('.')[0] for n in sys.modules}; "
        "assert not loaded & {'jax', 'sympy', 'motifield'}, loaded\n"
        "import numpy as np; one = np.ones(2); print(len(scope['pack'](scope['rest'](2))))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "alone.np.py"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stdout.strip()) == (0, "50"), run.stderr


AVERAGES = {
    "tanh": mf.transfer.tanh(gain=3, threshold=0.4, offset=1),
    "power_law": mf.transfer.power_law(exponent=2.7, threshold=0.3),
    "vertical slope": mf.transfer.power_law(exponent=0.5),
    "satlin": mf.transfer.of("Min(Max(x, 0), 2)"),
    "bump": mf.transfer.of("exp(-(x - 1)**2/2)*Heaviside(x)"),
    "names that the module has": mf.transfer.expression("C*erf(x - R)", C=2, R=0.1),
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averages_by_numpy(name, average_by_hand):
    """From no variance to a large one, to the 1e-9 that the module promises; the reference is that
    of conftest.py.
    """
    f = AVERAGES[name]
    module = loaded(mf.derive(mf.Architecture(["E"], f), mf.SecondMoment()))
    values = [np.array([float(v)]) for v in f.defaults.values()]
    function = next(v for n, v in vars(module).items() if f"{n}_averages" in vars(module))
    kinks = {
        "power_law": (0.3,),
        "vertical slope": (0.0,),
        "satlin": (0.0, 2.0),
        "bump": (0.0,),
    }.get(name, ())
    for mu, Delta in ((-1.0, 0.0), (0.3, 1e-6), (-0.2, 0.04), (1.5, 2.0)):
        R, _, C = module.AVERAGES[0](np.array([mu]), np.array([Delta]), *values)[:, 0]
        wanted = [
            average_by_hand(lambda x, n=n: function(x, *values) ** n, mu, Delta, kinks)
            for n in (1, 2)
        ]
        if name == "vertical slope" and Delta:  # in t = sqrt(x) it is smooth
            law = norm(mu, np.sqrt(Delta))
            wanted = [
                quad(
                    lambda t, n=n, law=law: 2 * t ** (n + 1) * law.pdf(t * t),
                    0,
                    4,
                    points=[np.sqrt(max(mu, 0))],
                )[0]
                for n in (1, 2)
            ]
        np.testing.assert_allclose([R, C], wanted, rtol=1e-9, atol=1e-14)
    step, mu, Delta = 1e-4, np.array([0.3]), np.array([0.5])
    sides = [module.AVERAGES[0](mu + k * step, Delta, *values)[0, 0] for k in (-2, -1, 1, 2)]
    slope = (sides[0] - 8 * sides[1] + 8 * sides[2] - sides[3]) / (12 * step)
    assert module.AVERAGES[0](mu, Delta, *values)[1, 0] == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("name", ["tanh", "naka_rushton"])
def test_wide_averages_by_numpy(name):
    """At large variance, against JAX; 2e-11 was measured with the other functions of the library,
    too, which is the tolerance there.
    """
    module = loaded(mf.derive(mf.Architecture(["E"], name)))
    values = [np.array([float(v)]) for v in mf.transfer.of(name).defaults.values()]
    for Delta in (30.0, 1000.0):
        found = module.AVERAGES[0](np.array([0.7]), np.array([Delta]), *values)[:, 0]
        wanted = [float(mf.average(name, 0.7, Delta, order=order).values) for order in (0, 1)]
        np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_jax_code_is_refused():
    mean_field = mf.derive(mf.Architecture(transfer=mf.transfer.jax_function(jax.nn.relu)))
    for export, what in (
        (numpy_module, "a NumPy module"),
        (lambda m: xpp_ode(m, {}), "an XPPAUT file"),
    ):
        with pytest.raises(
            NoClosedFormError,
            match=f"{what} cannot have the transfer function relu, which is JAX code",
        ):
            export(mean_field)


# ---- XPPAUT


def network(P=2, **changes):
    rng = np.random.default_rng(P)
    names = ["E", "I", "PV", "SOM"][:P]
    mean, g, drive = (
        rng.normal(size=(P, P)) / 300,
        rng.uniform(0.2, 0.5, (P, P)),
        rng.uniform(0.2, 0.6, P),
    )
    return mf.Parameters.of(
        populations=names,
        N=400,
        fractions=np.full(P, 1 / P),
        mean=mean,
        g=g,
        motifs=mf.Motifs.shared(tau=0.02),
        **{"input": drive, **changes},
    )


def compared(mean_field, parameters, t1=8.0):
    """The largest difference of trajectories from rest by XPPAUT and by the NumPy module, relative
    to the size of each variable.
    """
    module, P = loaded(mean_field), parameters.P
    c, drive = module.coefficients(parameters), np.asarray(parameters.input(0.0))
    if hasattr(module, "Drive"):
        parts = {
            "mean": parameters.input,
            "in_strength": parameters.in_strength,
            "spread": parameters.spread,
        }
        drive = module.Drive(*(np.asarray(parts[n](0.0)) for n in module.Drive._fields))
    with xpplab.Model.from_text(xpp_ode(mean_field, flat(mean_field, parameters))) as model:
        found = model.run(total=t1, dt=0.25, meth="cvode", tol=1e-9, atol=1e-11, bound=1e9)
        times = np.arange(len(found.t)) * 0.25
        rates, variances = (
            np.array([found[f"{n}_{tag}"] for tag in tags(parameters)]) for n in ("rate", "var")
        )
    assert times[-1] == t1
    wanted = solve_ivp(
        module.vector_field,
        (0, t1),
        module.pack(module.rest(P)),
        args=(c, drive),
        t_eval=times,
        method="DOP853",
        rtol=1e-10,
        atol=1e-12,
    )
    states = [module.unpack(y, P) for y in wanted.y.T]
    worst = 0.0
    for one, function in ((rates, module.rates), (variances, module.variance)):
        two = np.array([function(s, c) for s in states]).T
        worst = max(worst, np.max(np.abs(one - two) / np.maximum(1.0, np.abs(two))))
    return worst


def tags(parameters):
    return [
        n.lower() if all(len(m) < 3 for m in parameters.populations) else str(k + 1)
        for k, n in enumerate(parameters.populations)
    ]


XPP = {
    "erf": ("erf", {}, mf.LowRank(), {}),
    "rectified linear": ("rectified_linear", {}, mf.SecondMoment(), {}),
    "rectified square": (
        mf.transfer.rectified_power(2, gain=0.5, threshold=0.1),
        {},
        mf.LowRank(),
        {"transfer": {"gain": [0.4, 0.7]}},
    ),
    "exponential": (mf.transfer.exponential(gain=0.4), {}, mf.MotifOnly(), {}),
    "filters and noise": (
        "rectified_linear",
        EVERYTHING,
        mf.LowRank(),
        {"noise": [0.1, 0.2], "in_strength": 0.05, "spread": [0.3, 0.1], "tau_inp": 0.01},
    ),
    "numbers make it closed": (
        mf.transfer.expression("exp(-k*x**2)*Heaviside(x + 1)", k=0.7),
        {},
        mf.LowRank(),
        {},
    ),
}


@pytest.mark.parametrize("case", XPP)
def test_xppaut_follows_the_same_trajectory(case):
    """From rest, where the variance is 0; XPPAUT keeps trajectories in single precision."""
    transfer, kwargs, closure, numbers = XPP[case]
    assert (
        compared(
            mf.derive(mf.Architecture(["E", "I"], transfer, **kwargs), closure), network(**numbers)
        )
        < 1e-6
    )


def test_xppaut_four_populations():
    parameters = network(4)
    mean_field = mf.derive(mf.Architecture(["E", "I", "PV", "SOM"], "erf"))
    text = xpp_ode(mean_field, flat(mean_field, parameters))
    assert max(map(len, text.splitlines())) <= LONGEST_LINE
    names = [
        line.split("=")[0].removeprefix("par ").rstrip("'")
        for line in text.splitlines()
        if "=" in line and line[0] not in "#@" and "(" not in line.split("=")[0]
    ]
    names = [n for n in names if not n.startswith(("aux ", "init "))]
    assert len({n.lower() for n in names}) == len(names)
    assert max(map(len, names)) <= 10
    assert compared(mean_field, parameters, t1=2.0) < 1e-6


def test_xppaut_from_a_file_equals_integrate(tmp_path):
    """A pulse and a table as inputs, an initial state, and our own integrator."""
    parameters = network(
        input={"times": [1.0, 2.5], "values": [[0.2, 0.1], [0.7, 0.1], [0.3, 0.4]]},
        spread={"times": [1.0, 3.0], "values": [[0.0, 0.1], [0.5, 0.1]], "kind": "table"},
    )
    mean_field = mf.derive(mf.Architecture(["E", "I"], "erf", inputs=["spread"]), mf.LowRank())
    mf.export.save(
        mean_field, parameters, tmp_path / "net.ode", initial={"mean": [0.3, 0.0], "kappa": 0.05}
    )
    with xpplab.load(str(tmp_path / "net.ode")) as model:
        found = model.run(total=4, dt=0.5, meth="5dp", tol=1e-10, atol=1e-12, dtmax=0.01)
        ours = mf.integrate(
            mf.compile(mean_field),
            parameters,
            4.0,
            initial={"mean": [0.3, 0.0], "kappa": 0.05},
            saveat=np.arange(9) * 0.5,
            rtol=1e-10,
            atol=1e-12,
        )
        for k, tag in enumerate("ei"):
            np.testing.assert_allclose(
                found[f"k_{tag}"], ours["mean"].values[:, k], rtol=1e-6, atol=1e-7
            )


@pytest.mark.parametrize("function", ["tanh", "softplus", "Phi(x)**2", "power_law"])
def test_xppaut_refuses_what_has_no_closed_form(function):
    transfer = mf.transfer.power_law(exponent=1.5) if function == "power_law" else function
    mean_field = mf.derive(mf.Architecture(["E", "I"], transfer))
    with pytest.raises(
        NoClosedFormError, match=r"XPPAUT has no quadrature.*write NumPy \(.np.py\) or Julia"
    ):
        xpp_ode(mean_field, flat(mean_field, network()))


def test_errors_of_exports(tmp_path):
    mean_field = mf.derive(mf.Architecture(["E", "I"], "erf"))
    with pytest.raises(SpecError, match="needs numbers"):
        mf.export.save(mean_field, None, tmp_path / "x.ode")
    with pytest.raises(SpecError, match=r"the suffix must be one of \.np\.py, \.py, \.jl, \.ode"):
        mf.export.save(mean_field, None, tmp_path / "x.m")
    with pytest.raises(SpecError, match="a number for N"):
        xpp_ode(mean_field, {})
    with pytest.raises(ParameterError, match="an initial state is a mapping with some of"):
        mf.export.save(mean_field, network(), tmp_path / "x.ode", initial={"K_E": 1.0})
    with pytest.raises(SpecError, match="no state is called 'K_X': there are K_E, K_I"):
        xpp_ode(mean_field, flat(mean_field, network()), {"K_X": 1.0})
    with pytest.raises(SpecError, match="the input is code"):
        flat(mean_field, network().replace(input=lambda t: np.zeros(2)))
    with pytest.raises(ArchitectureError, match="1 to 4 populations"):
        xpp_ode(mf.derive(mf.Architecture(list("abcde"), "erf")), {})
