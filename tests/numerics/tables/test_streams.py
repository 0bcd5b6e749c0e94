"""Text that is read in blocks is the same table as text that is read line by line, wherever in it
something unusual stands.
"""

import numpy as np
import pytest

from motifield.errors import NetworkError
from motifield.numerics.tables import names_of, numbers_in, open_table, streams, text

PLAIN = [f"{k},{(7 * k) % 61 + 1},{k / 4},x{k % 3}" for k in range(1, 80)]
WANTED = {0: "id", 1: "id", 2: "number", 3: "text"}


@pytest.fixture
def both(tmp_path, monkeypatch):
    """Columns of a text, read in blocks and line by line; whether blocks were enough."""
    monkeypatch.setattr(streams, "BLOCK", 100)
    whole = []
    read = streams.read_blocks

    def watched(*given):
        found = read(*given)
        whole.append(True)
        return found

    monkeypatch.setattr(streams, "read_blocks", watched)

    def columns(content, header=False):
        path, made = tmp_path / "t.csv", []
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        for least in (0, 2**40):
            monkeypatch.setattr(text, "FAST", least)
            try:
                own = open_table(path, "table").columns(WANTED, header)
            except NetworkError as error:
                made.append(str(error))
                continue
            names, codes = names_of([own[0], own[1]])
            made.append([names[k].tolist() for k in codes] + [numbers_in(own[2]).values.tolist()])
        return *made, bool(whole)

    return columns


def test_plain_text_is_read_in_blocks(both):
    for end in ("\n", "\r\n"):
        blocks, lines, enough = both(end.join(PLAIN))
        assert enough
        assert blocks == lines
        assert blocks[0] == [str(k) for k in range(1, 80)]
        assert blocks[2] == [k / 4 for k in range(1, 80)]
    header = "\ufeff# made by hand\na,b,c,d\n"
    assert both(header + "\n".join(PLAIN) + "\n", header=True)[:2] == (blocks, blocks)


@pytest.mark.parametrize("at", [1, 40, 78])
@pytest.mark.parametrize(
    "line",
    [
        "007,7,1,x",
        "2.0,7,1,x",
        "+7,7,1,x",
        "-7,-0,1,x",
        "AVAL,7,1,x",
        " 7 ,8,1,x",
        '"7",8," 1",x',
        "720575940596125868123,8,1,x",
        '7,8,"1,234.5",x',
        "# 7,8,1,x",
        "%7,8,1,x",
        "",
        ",,,",
        "7,8,1,\u00e9",
        "7,8,1",
        "7,8,1,x,y",
        "7,,1,x",
        "7,8,,x",
        "7,8,NA,x",
        "7,8,inf,x",
        "7,8,0x10,x",
        "7,8,1_000,x",
        '7,8,"1\n",x',
        '"7,8,1,x',
    ],
)
def test_whatever_stands_in_a_line(both, line, at):
    blocks, lines, _ = both("\n".join([*PLAIN[:at], line, *PLAIN[at:]]) + "\n")
    np.testing.assert_equal(blocks, lines)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-16", "cp1252"])
def test_letters_of_other_encodings_at_the_end(both, encoding):
    blocks, lines, _ = both("\n".join([*PLAIN, "n\u00e9,7,1,\u00e9"]).encode(encoding))
    assert blocks == lines
    assert blocks[0][-1] == "n\u00e9"
