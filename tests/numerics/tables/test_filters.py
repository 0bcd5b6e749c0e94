"""Filters of rows: texts and mappings say the same, and what is no filter is refused."""

import pytest

from motifield.errors import NetworkError
from motifield.numerics.tables import Filter, filters_of


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("type=chemical", [("type", "=", ("chemical",))]),
        (" type == chemical ", [("type", "=", ("chemical",))]),
        ("cell type != L1|'L2/3, exc'", [("cell type", "!=", ("L1", "L2/3, exc"))]),
        (["type=S", "count>=5"], [("type", "=", ("S",)), ("count", ">=", ("5",))]),
        ({"io": "inter"}, [("io", "=", ("inter",))]),
        ({"io": ["inter", "output"], 3: 2}, [("io", "=", ("inter", "output")), (3, "=", ("2",))]),
        (None, []),
    ],
)
def test_filters(where, expected):
    assert filters_of(where) == tuple(Filter(*own) for own in expected)


@pytest.mark.parametrize("where", ["chemical", "=chemical", ["a=b", 3], 5])
def test_what_is_no_filter_is_refused(where):
    with pytest.raises(NetworkError, match="is no filter: use"):
        filters_of(where)


@pytest.mark.parametrize("where", ["count>five", "count<3|4", "count>=nan"])
def test_orders_compare_with_one_number(where):
    with pytest.raises(NetworkError, match="compares with one number"):
        filters_of(where)
