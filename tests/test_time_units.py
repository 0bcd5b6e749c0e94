"""A unit of time that is named once is said wherever times and rates are shown, else nowhere."""

import pytest

import motifield as mf
from motifield.numerics.fixed_points import collected
from motifield.numerics.reports import save_report
from motifield.numerics.stability import spectrum
from motifield.time_units import headed, in_words, labelled, measured, moment, time_unit_of

SAID = ("(ms)", "(1/ms)", " ms", "1/ms")


def network(unit):
    """One population whose averages are closed, at rest after a few times; and its equations."""
    system = mf.compile(mf.derive(mf.Architecture(["E"], "1 + erf(x - 1)"), mf.LowRank()))
    parameters = mf.Parameters.of(
        populations=["E"], N=200, fractions=[1], mean=0.001, g=0.2, input=0.3, time_unit=unit
    )
    return system, parameters


@pytest.fixture(scope="module", params=["ms", ""])
def named(request):
    return request.param, *network(request.param)


@pytest.fixture(scope="module")
def in_ms():
    return "ms", *network("ms")


def says(unit, *texts):
    """Whether every text says the unit; without one, none may say any."""
    if unit:
        assert all(any(own in text for own in SAID) for text in texts), texts
    else:
        assert not any(own in text for own in SAID for text in texts), texts


def labels(figure):
    return [text for ax in figure.axes for text in (ax.get_xlabel(), ax.get_ylabel())]


def of_time(figure):
    found = [text for text in labels(figure) if text.startswith(("time", "lag", "real", "angular"))]
    assert found
    return found


def test_labels_and_headings():
    assert labelled("period", "ms") == "period (ms)"
    assert labelled("growth", "ms", -1) == "growth (1/ms)"
    assert labelled("growth", "", -1) == "growth"
    assert labelled("growth", "", -1, "1 / time") == "growth (1 / time)"
    assert headed([{"period": 2.0, "N": 1}], "s") == [{"period (s)": 2.0, "N": 1}]
    assert headed([{"period": 2.0}], "") == [{"period": 2.0}]
    assert (moment(2.0, "s"), moment(2.0, "")) == ("t = 2 s", "t = 2")
    assert (in_words(""), time_unit_of(None)) == ("", "")


def test_datasets_name_the_unit_of_their_times_and_rates():
    data = mf.Targets.of(
        [{"quantity": "rate_mean", "population": "E", "value": 1.0, "error": 1.0, "time": 2.0}]
    ).dataset
    made = measured(data, "s")
    assert (time_unit_of(made), made["time"].attrs["unit"]) == ("s", "s")
    assert time_unit_of(data) == ""
    assert "unit" not in data["time"].attrs
    assert measured(data, "") is data


def test_trajectories(named, tmp_path):
    unit, system, parameters = named
    course = mf.integrate(system, parameters, 5.0)
    says(unit, repr(course), *course.table().columns[:1], *of_time(course.plot()))
    course.save(tmp_path / "course.nc")
    loaded = mf.load(tmp_path / "course.nc")
    assert loaded.time_unit == unit
    says(unit, *of_time(loaded.plot()))


def test_a_fixed_point(named):
    unit, system, parameters = named
    point = mf.fixed_point(system, parameters)
    points = collected([point], ("E",))
    says(unit, repr(point), repr(points), points.table().columns[2], *of_time(points.plot()))


def test_spectra(in_ms):
    unit, system, parameters = in_ms
    verdict = mf.stability(system, parameters)
    assert verdict.table()["unit"].tolist()[-1] == "1/ms"
    connectivity, jacobian = verdict.plot().axes
    says("", connectivity.get_xlabel())
    says(unit, jacobian.get_xlabel(), repr(verdict))
    sampled = mf.sample(parameters, 1)
    seen = spectrum(system, sampled, parameters, predicted=verdict)
    says(unit, seen.title, *of_time(seen.plot()))
    says("", spectrum(None, sampled).title)


def test_responses_over_frequencies(in_ms):
    unit, system, parameters = in_ms
    answer = mf.response(system, parameters)
    assert answer.time_unit == unit
    says(unit, *of_time(answer.plot()))
    assert answer.frequency([1.0])["omega"].attrs.get("unit", "") == ("1/ms" if unit else "")


@pytest.mark.slow
def test_comparisons_with_networks_and_their_page(in_ms, tmp_path):
    unit, system, parameters = in_ms
    found = mf.verify(system, parameters, sizes=[100], networks=2, t1=3.0)
    says(unit, *of_time(found.plot()))
    save_report(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Times are in ms" in page
    sampled = mf.sample(parameters, 1)
    one = mf.verification.verify_network(system, sampled, parameters, t1=3.0, throw=False)
    says(unit, one.criterion, *of_time(one.plot()))


def test_two_time_theory(in_ms):
    unit, system, parameters = in_ms
    state = mf.dmft.stationary(system, parameters)
    says(unit, repr(state).splitlines()[-1], state.table().columns[-1], *of_time(state.plot()))
    course = mf.dmft.transient(system, parameters, 1.0, dt=0.25)
    says(unit, repr(course), course.table().columns[0], *of_time(course.plot()))
