"""Runs the blocks of one page from top to bottom, as a notebook would, in a folder of its own."""

import ast
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from blocks import Block, PageError

LONGEST = 120  # seconds that a command may take
LARGEST = 1_000_000  # bytes of a picture: the page is read over slow networks too


@dataclass
class Output:
    """What a block printed, showed and drew.

    Args:
        text: Of standard output and errors, and of values without a page of their own.
        shown: Values as (kind, text): kind is "html", "latex" or "text".
        pictures: As SVG.
        seconds: That it took.
    """

    text: str = ""
    shown: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Ran:
    """The outputs of a page's blocks, or what went wrong.

    Args:
        outputs: One for each block.
        failure: Empty if none failed.
        processor: Seconds of processor time, with those of its commands.
    """

    outputs: list[Output]
    failure: str = ""
    processor: float = 0.0


def run_page(name: str, blocks: list[Block], files: dict[str, str]) -> Ran:
    """Run a page's blocks in their order.

    Args:
        name: Of the page, for messages.
        blocks: All of them.
        files: Files beside the blocks, by name: where each is copied from.
    """
    outputs: list[Output] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for file, source in files.items():
            Path(file).write_bytes(Path(source).read_bytes())
        page = _Page()
        for block in blocks:
            began = time.perf_counter()
            try:
                output = page.run(block)
            except PageError as error:
                return Ran(outputs, f"{name}, line {block.line}: {error}")
            output.seconds = time.perf_counter() - began
            outputs.append(output)
    return Ran(outputs, processor=sum(os.times()[:4]))


class _Page:
    def __init__(self) -> None:
        self.names: dict = {"__name__": "__main__"}

    def run(self, block: Block) -> Output:
        if block.kind == "python":
            return self._python(block)
        if block.kind == "console":
            return _console(block)
        if block.kind == "file":
            _write(block)
        return Output()

    def _python(self, block: Block) -> Output:
        printed = io.StringIO()
        value, raised = None, None
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.showwarning = _show_warning
            try:
                value = _evaluated(block, self.names)
            except Exception as error:
                raised = error
        output = Output(printed.getvalue())
        _check_raised(block, raised, output)
        if raised is None:
            _show(value, output)
        output.pictures += [_svg(figure) for figure in _figures(value)]
        if output.pictures and "caption" not in block.options:
            raise PageError('the block draws a picture; say what it shows: caption="..."')
        return output


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"{category.__name__}: {message}", file=sys.stderr)


def _evaluated(block: Block, names: dict):
    """The value of the last expression of a block; None where its last line is a statement."""
    where = f"<block at line {block.line}>"
    tree = ast.parse(block.body, where)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, where, "exec"), names)
    if last is None:
        return None
    value = eval(compile(ast.Expression(last.value), where, "eval"), names)
    return None if block.body.rstrip().endswith(";") else value


def _check_raised(block: Block, raised: Exception | None, output: Output) -> None:
    expected = block.options.get("raises")
    if raised is None:
        if expected:
            raise PageError(f"the block should raise {expected}, and raises nothing")
        return
    names = [kind.__name__ for kind in type(raised).__mro__]
    if expected not in names:
        raise PageError("the block fails:\n" + "".join(traceback.format_exception(raised)))
    output.text += f"{type(raised).__name__}: {raised}\n"


def _show(value, output: Output) -> None:
    from matplotlib.figure import Figure

    if value is None or isinstance(value, Figure):
        return
    for kind in ("html", "latex", "markdown"):
        method = getattr(value, f"_repr_{kind}_", None)
        found = method() if method else None
        if found:
            output.shown.append((kind, found))
            return
    output.text += f"{value!r}\n"


def _figures(value) -> list:
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure

    figures = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    values = value if isinstance(value, list | tuple) else [value]
    return figures + [v for v in values if isinstance(v, Figure) and v not in figures]


def _svg(figure) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    # a figure with a layout has its room already; tight boxes cut legends that stand outside
    box = None if figure.get_layout_engine() else "tight"
    with rc_context({"svg.hashsalt": "motifield", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", bbox_inches=box, metadata={"Date": None})
    found = buffer.getvalue()
    if len(found) > LARGEST:
        raise PageError(
            f"the picture has {len(found) / 1e6:.1f} MB: draw fewer points, or rasterized=True"
        )
    return found


def _write(block: Block) -> None:
    """Write the block's file; a spec is read at once, so that a wrong one fails here."""
    name = block.options.get("file") or block.options["adds_to"]
    path = Path(name)
    if "adds_to" in block.options:
        if not path.is_file():
            raise PageError(f"no block above makes {name}")
        path.write_text(path.read_text() + "\n" + block.body)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body)
    if path.suffix == ".toml" and "[architecture]" in path.read_text():
        import motifield as mf

        try:
            mf.load_spec(path, numbers=False)  # what they amount to, the blocks below say
        except mf.errors.MotifieldError as error:
            raise PageError(f"{name}: {error}") from error


def _console(block: Block) -> Output:
    """Run the lines that begin with "$ "; a line that ends in a backslash goes on below."""
    text = block.body.replace("\\\n", "")
    commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    if len(commands) != len([line for line in text.splitlines() if line.strip()]):
        raise PageError('every line of a console block is a command and begins with "$ "')
    printed = ""
    for command in commands:
        ended = subprocess.run(
            ["bash", "-c", command],
            env=os.environ | _terminal(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
        )
        printed += ended.stdout
        if ended.returncode != int(block.options.get("status", 0)):
            raise PageError(f"{command} ended with {ended.returncode}:\n{ended.stdout}")
    return Output(printed, pictures=_drawn(block))


def _drawn(block: Block) -> list[str]:
    """The SVG files that the block's commands name, in the order of their names in it."""
    names = [word.strip("\"'") for word in block.body.split()]
    return [Path(n).read_text() for n in names if n.endswith(".svg") and Path(n).is_file()]


def _terminal() -> dict[str, str]:
    paths = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {
        "PATH": os.pathsep.join(paths),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
