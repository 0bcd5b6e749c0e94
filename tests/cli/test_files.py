"""Files that commands read and write, and how a command ends when something is in the way."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from inspect import signature
from pathlib import Path

import pytest

from motifield.cli import main
from motifield.cli.ending import status_of
from motifield.cli.paths import Writes

SPEC = {
    "architecture": {"populations": ["E"], "transfer": "erf(x)"},
    "connectome": {"network": "n.npz", "labels": "labels.csv"},
    "fit": {"targets": "rates.csv"},
}
OUTPUTS = {
    "cache",
    "output",
    "plot",
    "report",
    "checkpoint",
    "write_spec",
    "posterior",
    "save",
    "to",
}
INPUTS = {"spec", "source", "folder", "network", "labels", "targets"}
LEFT = "import sys; from motifield.cli import run; sys.argv = ['motifield', *sys.argv[1:]]; run()"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    for name in ("n.npz", "labels.csv", "rates.csv", "other.nc"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link.json").symlink_to("spec.json")
    os.link(tmp_path / "n.npz", tmp_path / "hard.npz")
    (tmp_path / "d.tex").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ("integrate spec.json -o spec.json", "--output spec.json: the command reads this file"),
        ("integrate spec.json -o link.json", "the command reads this file"),
        ("integrate spec.json -o ./d.tex/../spec.json", "the command reads this file"),
        ("measure n.npz -o n.npz", "the command reads this file"),
        ("measure n.npz -o hard.npz", "the command reads this file"),
        ("measure spec.json -o n.npz", "the command reads this file"),
        ("integrate spec.json -o labels.csv", "the command reads this file"),
        ("fit spec.json -o rates.csv", "the command reads this file"),
        ("fit spec.json --write-spec spec.json", "--write-spec spec.json: the command reads"),
        ("fit spec.json --checkpoint rates.csv", "--checkpoint rates.csv: the command reads"),
        ("fit spec.json -o a.json --write-spec a.json", "--output and --write-spec are one file"),
        ("derive spec.json -o d.tex", "cannot write d.tex: it is a folder"),
        ("verify spec.json --report no/r.html", "cannot write no/r.html: the folder no does not"),
        ("verify spec.json --report r.pdf", "cannot write r.pdf: the suffix must be .html"),
        ("fit spec.json --report no/r.html", "cannot write no/r.html: the folder no does not"),
        ("average x --plot no/a.png", "cannot write no/a.png: the folder no does not exist"),
        (f"integrate spec.json -o {'a' * 300}.nc", "aaa.nc: File name too long"),
    ],
)
def test_files_are_checked_before_anything_is_read_or_written(arguments, match, folder, call):
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    code, out, err = call(*arguments.split())
    assert (code, out) == (2, "")
    assert match in err
    assert len(err.splitlines()) == 1
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before


def test_every_option_with_a_path_is_known_to_be_read_or_written():
    found = {True: set(), False: set()}
    for command in main.app.registered_commands:
        for own in signature(command.callback).parameters.values():
            kinds = getattr(own.annotation, "__args__", ())
            if any(kind is Path or Path in getattr(kind, "__args__", ()) for kind in kinds):
                marks = own.annotation.__metadata__
                found[any(isinstance(m, Writes) for m in marks)].add(own.name)
    assert found == {True: OUTPUTS, False: INPUTS}


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.nc"), 2, "error: a.nc: No space left"),
        (OSError(errno.ENOSPC, "No space left"), 2, "error: the standard output cannot be written"),
        (MemoryError("Unable to allocate 7 TiB"), 2, "error: there is not enough memory: Unable"),
        (MemoryError(), 2, "error: there is not enough memory: ask for fewer"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), 2, "error: there is not enough memory"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_status(error, status, text, capsys):
    def fail():
        raise error

    assert status_of(fail) == status
    err = capsys.readouterr().err
    assert err.startswith(text)
    assert len(err.splitlines()) == bool(text)


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_interrupt_is_one_line_and_status_130(wrapped, capsys):
    def interrupted():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except BaseException as error:
            if wrapped:  # as XLA does with what a callback raises
                raise RuntimeError(f"INTERNAL: {error!r}") from None
            raise

    before = signal.getsignal(signal.SIGINT)
    assert status_of(interrupted) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_other_errors_are_not_hidden():
    def fail():
        raise RuntimeError("a fault of the program")

    with pytest.raises(RuntimeError, match="a fault"):
        status_of(fail)


def motifield(*arguments, **streams):
    return subprocess.Popen([sys.executable, "-c", LEFT, *map(str, arguments)], **streams)


def test_a_reader_that_leaves_ends_a_command_quietly(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    with motifield("--help", stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_terminal_without_a_character_shows_its_number(folder):
    latin = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": latin}
    with motifield("integrate", "\N{GREEK SMALL LETTER TAU}.json", **pipes) as process:
        said = process.stderr.read()
    assert said.startswith(b"error: cannot read \\u03c4.json: No such file")
    assert process.returncode == 2


def test_a_full_standard_output_is_one_line_and_status_2():
    with (
        open("/dev/full", "w") as full,
        motifield("--version", stdout=full, stderr=subprocess.PIPE) as process,
    ):
        said = process.stderr.read().decode()
    assert said == "error: the standard output cannot be written: No space left on device\n"
    assert process.returncode == 2
