"""The pages of the programming interface: the public names, each once, under what it belongs to."""

import inspect
import os
from pathlib import Path
from types import ModuleType

import motifield as mf

FOLDER = "api"


def interface() -> dict[str, str]:
    """A page for the names of motifield itself, and one for each of its namespaces."""
    names = {name: getattr(mf, name) for name in sorted(mf.__all__)}
    spaces = {name: own for name, own in names.items() if isinstance(own, ModuleType)}
    own = {name: value for name, value in names.items() if name not in spaces}
    taken: dict[str, str] = {}
    pages = {f"{FOLDER}/index.md": _first_page(own, spaces, taken)}
    for name, module in spaces.items():
        pages[f"{FOLDER}/{name}.md"] = _page(name, module, taken)
    return pages


def _first_page(own: dict[str, object], spaces: dict[str, ModuleType], taken: dict) -> str:
    text = (
        "# Interface\n\nThe names of `motifield` itself, `import motifield as mf`. Others are in "
        "namespaces:\n\n"
    )
    for name, module in spaces.items():
        text += f"- [`mf.{name}`]({name}.md): {_first_line(module)}\n"
    for title, wanted in (("Verbs", inspect.isfunction), ("Classes", inspect.isclass)):
        text += f"\n## {title}\n\n"
        text += "".join(_entry(n, v, "mf", taken) for n, v in own.items() if wanted(v))
    return text


def _page(name: str, module: ModuleType, taken: dict[str, str]) -> str:
    text = f"# mf.{name}\n\n{_first_line(module)}\n\n"
    for own in sorted(_public(module)):
        text += _entry(own, getattr(module, own), f"mf.{name}", taken)
    return text


def _public(module: ModuleType) -> list[str]:
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return [n for n in listed if n != "annotations"]
    defined = inspect.getmembers(module, lambda v: inspect.isfunction(v) or inspect.isclass(v))
    return [n for n, v in defined if not n.startswith("_") and v.__module__.startswith("motifield")]


def _entry(name: str, value: object, space: str, taken: dict[str, str]) -> str:
    """A public name as mkdocstrings shows it; one that has a place already is a link to it."""
    if isinstance(value, ModuleType):
        return f"- `{space}.{name}`: {_first_line(value)}\n\n"
    if not (inspect.isfunction(value) or inspect.isclass(value)):
        return f"- `{space}.{name}`\n\n"
    path = f"{value.__module__}.{value.__qualname__}"
    if path in taken:
        return f"- `{space}.{name}` is [`{taken[path]}`][{path}]\n\n"
    taken[path] = f"{space}.{name}"
    return f"::: {path}\n\n"


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().partition("\n")[0]


def source_tree(root: Path, place: Path) -> Path:
    """A folder in which the package lies as it is imported, for programs that read its source."""
    package = place / "motifield"
    package.mkdir(parents=True, exist_ok=True)
    wanted = {p.name: p for p in (root / "motifield").iterdir() if p.name != "__pycache__"}
    wanted |= {part: root / part for part in ("theory", "numerics")}
    for old in package.iterdir():
        if old.name not in wanted or not old.exists():
            old.unlink()
    for name, path in wanted.items():
        if not (package / name).is_symlink():
            os.symlink(path, package / name)
    return place
