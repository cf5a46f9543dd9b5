"""A YAML file of settings: its values with the environment's in them, and where in the file each stands.

Owns the reading, `${VARIABLES}` and line numbers. Knows no setting. No message quotes a value: it may be a secret.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class BadConfig(Exception):
    """The configuration cannot be used; the message lists every problem with its place."""


class ConfigFile:
    """A file that was read. `tree`: its sections, variables replaced; without those that are empty."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        """Reads it. `${NAME}` is the environment's, `${NAME:-default}` too; `${file:PATH}`, relative to the file, is
        another file's text. Raises BadConfig for what is no YAML mapping, a key set twice, and an unset variable.
        """
        self._path = path
        tree, places = _read(path)
        self._lines: dict[str, int] = {}
        for place, line in places:
            if place in self._lines:
                told = f"already set in line {self._lines[place]}; one of the two would be lost"
                raise BadConfig(f"{path}:{line}: {place}: {told}")
            self._lines[place] = line
        tree = {key: value for key, value in tree.items() if value is not None}
        missing: list[str] = []
        self.tree: dict[Any, Any] = _expanded(tree, environ, path.parent, (), missing)
        if missing:
            raise BadConfig(self.located(missing))

    def located(self, problems: Iterable[str]) -> str:
        """Problems, each `place: what`, a line each: `file:line: place: what`."""
        return "\n".join(map(self._located, problems))

    def _located(self, problem: str) -> str:
        """With the line of the nearest place that the file has."""
        dotted = problem.partition(": ")[0].replace("[", ".").replace("]", "")
        parts = [part for part in dotted.split(".") if part]
        # a section may stand for a list of one, though the place of the problem has its index
        candidates = [parts, [part for part in parts if not part.isdigit()]]
        while candidates[0]:
            for candidate in candidates:
                if (line := self._lines.get(".".join(candidate))) is not None:
                    return f"{self._path}:{line}: {problem}"
            candidates = [candidate[:-1] for candidate in candidates]
        return f"{self._path}: {problem}"


def _read(path: Path) -> tuple[dict[Any, Any], list[tuple[str, int]]]:
    """The document, and (dotted place, line) of everything in it."""
    try:
        source = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadConfig(f"{path}: no such file; `tracker init` writes one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: cannot be read: {error}") from None
    try:
        tree = yaml.safe_load(source)
        places = list(_places(yaml.compose(source, Loader=yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:  # its own text quotes the line, and that may hold a secret
        where = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadConfig(f"{path}{where}: not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise BadConfig(f"{path}: not YAML: a character that no text may hold") from None
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise BadConfig(f"{path}: expected sections such as `orders:` and `carriers:`, found {type(tree).__name__}")
    return tree, places


def _places(node: yaml.Node | None, place: tuple[str, ...] = ()) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            yield ".".join(inner), key.start_mark.line + 1
            yield from _places(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*place, str(index))
            yield ".".join(inner), value.start_mark.line + 1
            yield from _places(value, inner)


def _expanded(value: Any, environ: Mapping[str, str], folder: Path, place: tuple[str, ...], missing: list[str]) -> Any:
    if isinstance(value, dict):
        return {k: _expanded(v, environ, folder, (*place, str(k)), missing) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, environ, folder, (*place, str(i)), missing) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        name, has_default, default = match[1].partition(":-")
        if name.startswith("file:"):
            try:
                return (folder / name.removeprefix("file:")).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not text"
                missing.append(f"{'.'.join(place)}: {name.removeprefix('file:')}: {reason}")
                return ""
        if name in environ and (environ[name] or not has_default):
            return environ[name]
        if not has_default:
            missing.append(f"{'.'.join(place)}: the environment variable {name} is not set")
        return default

    return _VARIABLE.sub(replacement, value)
