"""The hidden `tracker config-docs`: docs/configuration.md, written from the settings as the program checks them.

Owns the page. What may be configured is tracker.config's; here it is only read, out of its JSON Schema.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tracker.cli.carrier_docs.page import table
from tracker.cli.console import BadUsage, stdout
from tracker.cli.setup import config_schema
from tracker.durations import PATTERN as DURATION

Node = Mapping[str, Any]

_OPENING = """\
<!-- Written by `tracker config-docs`; do not edit. -->

# Configuration

One file, config.yaml: `tracker init` writes one with comments, and it works as it is. A key that is missing has its
default, a key that is unknown is an error with its line, so that no typo passes for a setting. `tracker check` reads it
and says what it comes to; SIGHUP makes the daemon read it again. Editors complete it by
[config.schema.json](config.schema.json).

| in a value | stands for |
| --- | --- |
| `${NAME}` | the environment variable; an error where it is not set |
| `${NAME:-text}` | the same, with a default |
| `${file:/run/secrets/x}` | what that file holds, without the blanks around it; relative to config.yaml |
| `90s`, `30m`, `4h`, `2d`, `1w`, `1d 12h` | a duration |

A single value can also be given by the environment variable named beside it, which then wins over the file; lists as
JSON. A secret belongs into a file or a variable of its own; it is never logged, and never stored.
"""

_SINGLE = "At the top of the file"
_ACCOUNT = """\
Under the carrier's code, as `tracker carriers` lists it, stand the keys of its account; of several accounts a list of
them, each with a name. Credentials and options are on [the carrier's page](carriers/README.md). No environment variable
overrides them: put a `${VARIABLE}` there."""
_ROUTES = """\
A list of rules, tried in order; the first one that fits a parcel counts. Without a rule, a parcel is asked about at its
carrier's own accounts. [How it works](how-it-works.md) tells what becomes of a number that its source does not know."""
_MAPPING = """\
Your own reading of codes: `carrier: {code or whole text: status}`. [Codes and your own mapping](mapping.md) has the
words it may use, and how to try them."""

_INTRODUCTIONS = {"routes": _ROUTES}
_NAMES = {"FulfillmentStatus": "[status](statuses.md)"}


def config_docs(
    file: Annotated[Path, typer.Argument(help="Where the page goes.", metavar="FILE")] = Path("docs/configuration.md"),
) -> None:
    """Write the reference of config.yaml. Run it where a setting changed.

    Example: tracker config-docs
    """
    if not file.parent.is_dir():
        raise BadUsage(f"{file.parent}: no such folder; run it in a checkout of this project")
    file.write_text(page(), encoding="utf-8")
    stdout().print(f"wrote {file}")


def page() -> str:
    """The page."""
    schema = config_schema()
    return "\n\n".join([_OPENING.strip(), *_sections(schema, schema["$defs"])]) + "\n"


def _sections(schema: Node, models: Mapping[str, Node]) -> Iterator[str]:
    single = {name: node for name, node in schema["properties"].items() if node.get("type") == "string"}
    yield f"## {_SINGLE}"
    yield _table({"properties": single}, models, "TRACKER_")
    for name, node in schema["properties"].items():
        if name in single:
            continue
        yield f"## {name}"
        if name == "carriers":
            yield _ACCOUNT
            yield _table(models["CarrierAccount"], models)
        elif name == "mapping":
            yield _MAPPING
        elif "items" in node:
            item = _resolved(node["items"], models)
            yield _INTRODUCTIONS.get(name) or f"A list. {node['description']}"
            yield _table(item, models)
        else:
            section = _resolved(node, models)
            yield _first_paragraph(section)
            yield _table(section, models, f"TRACKER_{name}__".upper())


def _first_paragraph(node: Node) -> str:
    return " ".join(node["description"].partition("\n\n")[0].split())


def _table(section: Node, models: Mapping[str, Node], prefix: str = "") -> str:
    """`prefix`: of the environment variables that override the keys; "" where none does."""
    required = section.get("required", ())
    rows = []
    for name, node in _leaves(section["properties"], models):
        default = "required" if name in required else _written(node.get("default"))
        what = " ".join(node.get("description", "").split())
        cells = [f"`{name}`", _kind(node, models), default, what]
        rows.append([*cells, f"`{prefix}{name.upper()}`"] if prefix else cells)
    return table(("key", "value", "default", "meaning", *(["environment"] if prefix else [])), rows)


def _leaves(properties: Mapping[str, Node], models: Mapping[str, Node]) -> Iterator[tuple[str, Node]]:
    """Keys with what they take; those of a section within a section by their dotted names."""
    for name, node in properties.items():
        inner = _resolved(node, models)
        if "properties" in inner:
            yield from ((f"{name}.{key}", leaf) for key, leaf in _leaves(inner["properties"], models))
        else:
            yield name, node


def _resolved(node: Node, models: Mapping[str, Node]) -> Node:
    return models[node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def _kind(node: Node, models: Mapping[str, Node]) -> str:
    """What may stand there, in words."""
    if (name := node.get("$ref", "").rpartition("/")[2]) in _NAMES:
        return _NAMES[name]
    node = _resolved(node, models)
    for choice in node.get("anyOf", ()):
        if choice.get("type") != "null":
            return _kind(choice, models)
    if "enum" in node:
        return " or ".join(f"`{word}`" for word in node["enum"])
    if node.get("pattern") == DURATION:
        return "duration"
    match node.get("type"):
        case "array":
            return f"list: {_kind(node['items'], models)}"
        case "object":
            secret = node.get("additionalProperties")
            return "names and secrets" if isinstance(secret, dict) and secret.get("writeOnly") else "names and values"
        case "boolean":
            return "`true` or `false`"
        case "integer" | "number" as kind:
            return " ".join([{"integer": "whole number", "number": "number"}[kind], *_bounds(node)])
        case "string":
            return {"password": "secret", "path": "path"}.get(node.get("format", ""), "text")
        case other:
            raise ValueError(f"no words for a setting of type {other}")


def _bounds(node: Node) -> Iterator[str]:
    low, high = node.get("minimum"), node.get("maximum")
    if "exclusiveMinimum" in node:
        yield f"above {node['exclusiveMinimum']:g}"
    if low is not None and high is not None:
        yield f"{low:g} to {high:g}"
    elif low is not None:
        yield f"from {low:g}"
    elif high is not None:
        yield f"up to {high:g}"


def _written(default: object) -> str:
    """A default as config.yaml has it; – for none."""
    if default in (None, "", [], {}):
        return "–"
    if isinstance(default, list):
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"
