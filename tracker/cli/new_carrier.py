"""`tracker new-carrier`: a carrier's files, to be filled in until they pass the contract.

Owns the command and where its files go; what stands in them is in `skeleton/`. Knows the registry's names, no
configuration and no network.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Annotated

import typer

import carriers.sdk
from carriers.sdk.registry import known_carriers
from tracker.cli.console import BadUsage, Failed, stdout

SKELETON = files("tracker").joinpath("cli", "skeleton")


def new_carrier(
    name: Annotated[str, typer.Argument(help="The carrier's code: the name people know, in lower_snake.")],
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Described in a YAML file, without Python.")] = False,
    into: Annotated[
        Path | None,
        typer.Option(help="Write an installable package of its own into this new folder.", metavar="FOLDER"),
    ] = None,
) -> None:
    """Write the skeleton of a carrier and of its recorded answers. Never overwrites.

    Run it in a checkout of this project, or name a folder for a plug-in. The contract fails until everything is
    filled in, and says what to fill in next. docs/adding-a-carrier.md goes through it step by step.

    Example: tracker new-carrier pigeon_post --yaml
    """
    names = _names(name)
    if into is None:
        root, texts = Path(), _in_checkout(names, as_yaml)
        _refuse_other_folders(root)
        tests, carrier_file = "tests/carriers", next(iter(texts))
    else:
        root, texts = into, _as_package(names, as_yaml)
        tests, carrier_file = str(into), str(into / next(iter(texts)))
    _write({root / place: text for place, text in texts.items()})
    steps = [
        f"fill in {carrier_file} and the answers beside cases.yaml; next is always what fails first:",
        f"    pytest {tests} -x -k {name}-",
        f"see what an answer comes to: tracker map {name} FILE",
    ]
    if into is not None:
        steps.insert(0, f"install it beside the tracker: pip install -e {into}")
    else:
        steps.append("at the end, write its page: tracker carrier-docs")
    written = [f"wrote {root / place}" for place in texts if not place.endswith(".json")]
    stdout().print("\n".join([*written, *steps]), markup=False, soft_wrap=True)


def _names(name: str) -> Mapping[str, str]:
    """What the templates call the carrier. Raises BadUsage for a name no carrier can have."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or iskeyword(name):
        raise BadUsage(f"{name!r} is no carrier's code: write it in lower_snake, such as pigeon_post")
    words = [word.capitalize() for word in name.split("_")]
    class_name = "".join(words)
    if class_name in carriers.sdk.__all__:
        raise BadUsage(f"{name!r}: {class_name} is a name of carriers.sdk; choose another, such as {name}_post")
    if name in known_carriers():
        raise BadUsage(f"{name!r}: there is a carrier of that code; `tracker carriers` lists all")
    package = f"fulfillment_tracker_{name}"
    return {
        "code": name,
        "name": " ".join(words),
        "class_name": class_name,
        "dashed": name.replace("_", "-"),
        "package": package,
    }


def _refuse_other_folders(root: Path) -> None:
    for place in ("carriers/sdk", "tests/carriers"):
        if not (root / place).is_dir():
            raise BadUsage(f"no checkout of this project: there is no {place} here; --into FOLDER writes a plug-in")


def _in_checkout(names: Mapping[str, str], as_yaml: bool) -> dict[str, str]:
    """Text by place for a carrier of this project, its own file first."""
    suffix = "yaml" if as_yaml else "py"
    return {
        f"carriers/{names['code']}.{suffix}": _filled(f"carrier.{suffix}", names),
        **_recorded(f"tests/carriers/{names['code']}", names),
    }


def _as_package(names: Mapping[str, str], as_yaml: bool) -> dict[str, str]:
    """Text by place for a plug-in, the carrier's own file first."""
    code, package = names["code"], names["package"]
    suffix, kind = ("yaml", "yaml") if as_yaml else ("py", "python")
    entry_point = f"{package}:FILE" if as_yaml else f"{package}.{code}:{names['class_name']}"
    return {
        f"{package}/{code}.{suffix}": _filled(f"carrier.{suffix}", names),
        f"{package}/__init__.py": _filled(f"package_{kind}.py", names),
        "pyproject.toml": _filled("pyproject.toml", {**names, "entry_point": entry_point}),
        "tests/test_contract.py": _filled(f"test_{kind}.py", names),
        **_recorded("tests/cases", names),
    }


def _recorded(folder: str, names: Mapping[str, str]) -> dict[str, str]:
    payloads = sorted(SKELETON.joinpath("payloads").iterdir(), key=lambda payload: payload.name)
    return {
        f"{folder}/cases.yaml": _filled("cases.yaml", names),
        **{f"{folder}/{payload.name}": payload.read_text(encoding="utf-8") for payload in payloads},
    }


def _filled(template: str, names: Mapping[str, str]) -> str:
    return Template(SKELETON.joinpath(f"{template}.txt").read_text(encoding="utf-8")).substitute(names)


def _write(texts: Mapping[Path, str]) -> None:
    """Write all files or, where one of them or a carrier of the name is there already, none."""
    first = next(iter(texts))
    for path in (*texts, first.with_suffix(".py"), first.with_suffix(".yaml"), first.with_suffix("")):
        if path.exists():
            raise BadUsage(f"{path}: exists; nothing was written")
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(f"{error.filename}: cannot be written: {error.strerror}") from None
