"""What a carrier can tell, as its table, its sentences and its recorded answers show.

Owns the finding out. Knows the registry and the form of recorded answers, no Markdown.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import carriers
from carriers.sdk.carrier_file import read_carrier_file
from carriers.sdk.codes import MEANINGS, Meaning, TextRules, normalise
from carriers.sdk.events import ZoneSource
from carriers.sdk.recorded import all_events, answer, load
from carriers.sdk.registry import Factory, Registered

PACKAGE = Path(str(files(carriers)))
NAMES: Mapping[Meaning, str] = {meaning: name for name, meaning in MEANINGS.items()}
"""The column of a table that a meaning stands in."""


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in a carrier's recorded answers."""

    estimated_delivery: bool
    signature: bool
    zones: frozenset[ZoneSource]
    """Where the offsets of its times come from."""


def told(create: Factory, folder: Path) -> Told:
    """What the recorded answers in a folder hold. Raises OSError, yaml.YAMLError or ValueError for a bad cases.yaml."""
    subject = load(create, folder)
    reports = [
        report for case in subject.cases.values() for report in answer(subject.carrier_for(case), subject.reply(case))
    ]
    shipments = [shipment for report in reports for shipment in report.shipments]
    return Told(
        estimated_delivery=any(shipment.estimated_delivery for shipment in shipments),
        signature=any(shipment.signed_by for shipment in shipments),
        zones=frozenset(event.zone for _, event in all_events(reports)),
    )


def columns(registered: Registered) -> dict[str, list[str]]:
    """The codes of each column of the table, as it lists them."""
    listed: dict[str, list[str]] = {name: [] for name in MEANINGS}
    for code, meaning in registered.codes.items():
        listed[NAMES[meaning]].append(code)
    return listed


def sentences_read(registered: Registered) -> dict[str, list[str]]:
    """The sentences that are read where codes can't tell, by column."""
    listed: dict[str, list[str]] = {name: [] for name in MEANINGS}
    for sentence, meaning in _rules(registered):
        if sentence not in listed[NAMES[meaning]]:
            listed[NAMES[meaning]].append(sentence)
    return listed


def _rules(registered: Registered) -> Iterator[tuple[str, Meaning]]:
    if registered.kind == "yaml":
        for rule, _ in read_carrier_file(own_files(registered)[0]).rules:
            yield rule.sentence, registered.codes[normalise(rule.code)]
        return
    modules = [
        import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
        for path in own_files(registered)
    ]
    for rules in (member for module in modules for member in vars(module).values() if isinstance(member, TextRules)):
        for sentence in (rule.sentence for rule in rules.rules):
            if (meaning := rules.meaning(sentence)) is not None:
                yield sentence, meaning


def own_files(registered: Registered) -> list[Path]:
    """The files a carrier is written in: its own, those of the carriers it is derived from, and the tables of each."""
    if registered.kind == "yaml":
        return [PACKAGE / f"{registered.info.code}.yaml"]
    modules = [parent.__module__.split(".") for parent in type(registered.create()).__mro__]
    stems = [names[1] for names in modules if names[0] == "carriers" and names[1] != "sdk"]
    candidates = (PACKAGE / place for stem in stems for place in (f"{stem}.py", f"tables/{stem}.py"))
    return list(filter(Path.is_file, candidates))


def borrowed_names(own: Sequence[Path]) -> dict[Path, set[str]]:
    """What a carrier's files import from further files of `carriers`, the SDK left out."""
    borrowed: dict[Path, set[str]] = {}
    for path in (path for path in own if path.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("carriers."):
                module = PACKAGE.joinpath(*(node.module or "").split(".")[1:]).with_suffix(".py")
                if module.is_file() and module not in own and not module.is_relative_to(PACKAGE / "sdk"):
                    borrowed.setdefault(module, set()).update(alias.name for alias in node.names)
    return borrowed
