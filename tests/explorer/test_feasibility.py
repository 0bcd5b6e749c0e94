"""Where a slider may stand, in closed form."""

import pytest

import motifield as mf
from motifield.explorer import subject_of


def test_the_range_of_motifs_ends_where_no_variance_is_left(subject):
    """A = 1 - 2 f tau >= 0 at tau = .2, and B = 0, as shared motifs have reciprocity 2 tau."""
    k = [own.name for own in subject.sliders].index("factor(motifs)")
    values = [own.start for own in subject.sliders]
    assert subject.why_not(values) == ""
    (found,) = subject.ranges(values, k)
    assert found == pytest.approx((0.0, 2.5), abs=1e-4)
    assert "no network has these" in subject.why_not(
        [3.0 if n == k else v for n, v in enumerate(values)]
    )


def test_statistics_that_were_measured_beyond_the_bounds_are_taken_as_they_are(pair):
    system, parameters = pair
    beyond = parameters.replace(tau_chn=parameters.tau_chn * 1.2)
    assert mf.violations(beyond)
    subject = subject_of(system, beyond, {"input[E]": (0.0, 1.0)})
    assert subject.is_measured
    assert subject.why_not([0.5]) == ""
