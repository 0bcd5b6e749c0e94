"""Files are written whole or not at all, where and as the user wants them."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from motifield.errors import FileError
from motifield.files import HERE, PREFIX, STALE, check_writable, write_text, write_texts, write_with


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "a.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert names(tmp_path) == ["far", "link.txt"]
    assert names(tmp_path / "far") == ["a.txt"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_the_umask(mask, mode, tmp_path):
    before = os.umask(mask)
    try:
        path = write_text(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_an_old_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    write_text(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o640)


def test_of_files_that_belong_together_none_is_left_where_one_cannot_be_written(tmp_path):
    (tmp_path / "d.tex").mkdir()
    with pytest.raises(FileError, match=r"cannot write .*d\.tex: it is a folder"):
        write_texts({tmp_path / "d.bib": "b", tmp_path / "d.tex": "t"})
    assert names(tmp_path) == ["d.tex"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a" * 300, "File name too long"), ("no/a.txt", "does not exist"), (".", "it is a folder")],
)
def test_paths_that_cannot_be_written_are_named(name, reason, tmp_path):
    for attempt in (check_writable, lambda path: write_text(path, "a")):
        with pytest.raises(FileError, match=rf"cannot write .*{reason}"):
            attempt(tmp_path / name)
    assert names(tmp_path) == []


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    path = write_text(tmp_path / ("a" * 251 + ".txt"), "a")
    assert names(tmp_path) == [path.name]


def test_a_device_is_not_replaced(tmp_path):
    link = tmp_path / "full.txt"
    link.symlink_to("/dev/full")
    with pytest.raises(FileError, match="it is a device"):
        write_text(link, "a")


@pytest.fixture
def full_disk():
    """The system refuses files of more than 1000 bytes, as it does when a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_does_not_fit_leaves_the_old_file_and_names_the_users(full_disk, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(FileError, match=r"cannot write .*a\.txt: File too large$"):
        write_text(path, "new" * 1000)
    assert names(tmp_path) == ["a.txt"]
    assert path.read_text() == "old"


def test_an_error_names_the_users_file_and_not_the_temporary_one(tmp_path):
    def fail(temporary):
        raise OSError(errno.ENOSPC, "No space left on device", temporary)

    with pytest.raises(FileError) as raised:
        write_with(tmp_path / "a.nc", fail)
    assert str(raised.value) == f"cannot write {tmp_path / 'a.nc'}: No space left on device"
    assert names(tmp_path) == []


def test_half_a_character_is_an_error(tmp_path):
    with pytest.raises(FileError, match="cannot write .*ud800' is half of a character"):
        write_text(tmp_path / "a.txt", "\ud800")
    assert names(tmp_path) == []


WAITS = """
import signal, sys, time

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever this test's own parent ignores
signal.signal(signal.SIGINT, signal.default_int_handler)
from motifield.files import write_with

def write(temporary):
    open(temporary, "w").write("half")
    print("writing", flush=True)
    time.sleep(60)

write_with(sys.argv[1], write)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_no_temporary_file(number, tmp_path):
    arguments = [sys.executable, "-c", WAITS, str(tmp_path / "a.txt")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(arguments, **pipes) as process:
        assert process.stdout.readline() == "writing\n"
        assert len(names(tmp_path)) == 1
        process.send_signal(number)
        assert process.wait(30) == -number
    assert names(tmp_path) == []


def test_a_thread_can_write(tmp_path):
    thread = threading.Thread(target=write_text, args=(tmp_path / "a.txt", "a"))
    thread.start()
    thread.join()
    assert names(tmp_path) == ["a.txt"]


KILLED = """
import os, signal, sys
from motifield.files import writing
with writing(sys.argv[1]) as (made,):
    open(made, "w").write("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path):
    target = tmp_path / "a.txt"
    done = subprocess.run([sys.executable, "-c", KILLED, target], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    write_text(target, "a")
    assert names(tmp_path) == [left.name, "a.txt"]  # it is new: its writer may be on its way
    age(left, STALE + 5)
    write_text(tmp_path / "b.txt", "b")
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_only_files_of_processes_that_are_gone_are_removed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        others = ("00000000", "ffffffff")
        elsewhere = next(own for own in others if own != HERE)
        kept = [
            f"{PREFIX}{HERE}-{running.pid}-abc",  # is being written
            f"{PREFIX}{HERE}-{10**30}-abc",
            f"{PREFIX}{elsewhere}-{running.pid}-abc",  # of another machine
            f"{PREFIX}notes",
        ]
        for name in kept:
            (tmp_path / name).write_text("half")
            age(tmp_path / name, 10 * STALE)
        write_text(tmp_path / "a.txt", "a")
        assert names(tmp_path) == sorted([*kept, "a.txt"])
        running.communicate(b"")
    check_writable(tmp_path / "a.txt")
    assert names(tmp_path) == sorted([*kept[1:], "a.txt"])


def test_two_processes_that_write_at_once_do_not_disturb_each_other(tmp_path):
    """Each fills files in one folder, and sweeps it, many times."""
    code = (
        "import sys\nfrom motifield.files import write_text\n"
        "for k in range(100): write_text(f'{sys.argv[1]}/{sys.argv[2]}.txt', sys.argv[2] * 99)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, tmp_path, own]) for own in "ab"]
    assert [own.wait() for own in writers] == [0, 0]
    assert names(tmp_path) == ["a.txt", "b.txt"]
    assert [(tmp_path / f"{own}.txt").read_text() for own in "ab"] == ["a" * 99, "b" * 99]
