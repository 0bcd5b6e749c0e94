"""What a report is told of the command that writes it."""

import pytest


@pytest.fixture
def origin(call, pair, tmp_path, stub, made):
    """The origin that `verify` gives for options; nothing is sampled."""

    def asked(*options):
        result = made([{"z": 0.5}], passed=True, criterion="close", spread_rows=lambda: [])
        stub("verification.verify", result)
        reports = stub("reports.save_report", None)
        path = tmp_path / "a page.html"
        code, _, err = call("verify", pair, *options, "--report", path)
        assert (code, err) == (0, "")
        ((args, given),) = reports
        assert args[1] == path
        return given["origin"]

    return asked


def test_the_command_makes_it_again(origin, pair, tmp_path):
    """As one types it: names with spaces are quoted."""
    found = origin("--seed", "4", "--sizes", "200,400")
    page = tmp_path / "a page.html"
    assert found.command == f"motifield verify {pair} --seed 4 --sizes 200,400 --report '{page}'"
    assert found.text() == pair.read_text()


def test_options_that_were_not_typed_are_there_too(origin):
    options = origin("--seed", "4").options
    assert (options["seed"], options["networks"], options["sizes"]) == ("4", "8", "500,1000,2000")
    assert not {"report", "spec", "as_json", "network", "closure"} & set(options)
