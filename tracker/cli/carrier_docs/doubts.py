"""What a carrier's files say is unverified: its doubts, in the words they are written in.

Reads Python and YAML as text: docstrings and comments above a line by sentence, comments behind a line with the line
they are about. Knows no particular carrier.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from carriers.sdk.codes import normalise

_UNVERIFIED = re.compile(r"\bunverified\b|\b(?:not|nothing|none)\b.*\bverified\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`'\"(*.])")
_COMMENT = re.compile(r"(?:^|\s)#:?\s?(?P<words>.*)$")
_OF_THE_HOUSE = ("Owns ", "Knows ")


class Passage(NamedTuple):
    """Some prose of a file."""

    subject: str
    """What it is about: a name, codes, a line; '' for the file as a whole."""
    words: str
    behind: bool = False
    """Whether it stands behind the line it is about."""


def sentences(prose: str) -> list[str]:
    """The sentences of some prose, each on one line, but for those about the division of labour among modules."""
    found = _SENTENCE_END.split(" ".join(prose.split()))
    return [sentence for sentence in found if sentence and not sentence.startswith(_OF_THE_HOUSE)]


def is_doubt(sentence: str) -> bool:
    """Whether a sentence says of something that it is unverified."""
    return _UNVERIFIED.search(sentence) is not None


def opening(source: str, suffix: str) -> str:
    """What a file says of itself: a module's docstring, or the comment that a YAML file begins with."""
    if suffix == ".py":
        return ast.get_docstring(ast.parse(source)) or ""
    first = next(_of_comments(source.splitlines()), None)
    return first.words if first is not None and not first.subject else ""


def doubts(source: str, suffix: str, columns: Mapping[str, str], about: Collection[str] | None = None) -> list[str]:
    """Each unverified fact as a line of Markdown, once, in the file's order.

    `columns`: of each code of the carrier's table, the column it stands in. `about`: only what is said of these names.
    """
    passages = _of_python(source) if suffix == ".py" else _of_comments(source.splitlines())
    told = [passage for passage in passages if about is None or passage.subject in about]
    lines = (_line(passage, words, columns) for passage in told for words in _doubtful(passage.words))
    return list(dict.fromkeys(lines))


def _doubtful(words: str) -> Iterator[str]:
    """The sentences that say so, each with the one before where it begins with the word."""
    before = ""
    for sentence in sentences(words):
        if is_doubt(sentence):
            yield f"{before} {sentence}".strip() if sentence.lower().startswith("unverified") else sentence
        before = sentence


def _line(passage: Passage, words: str, columns: Mapping[str, str]) -> str:
    subject = passage.subject
    tokens = [normalise(token) for token in subject.split()]
    if passage.behind and tokens and all(token in columns for token in tokens):
        meant = dict.fromkeys(columns[token] for token in tokens)
        return f"{' '.join(f'`{token}`' for token in tokens)} ({', '.join(meant)}): {words}"
    return f"`{subject}`: {words}" if subject else words


def _of_python(source: str) -> Iterator[Passage]:
    """Docstrings, then comments, those inside a table's string too."""
    tree = ast.parse(source)
    lines = source.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) or not ast.get_docstring(node):
            continue
        yield Passage("" if isinstance(node, ast.Module) else node.name, ast.get_docstring(node) or "")
        docstring = node.body[0]
        for number in range(docstring.lineno - 1, docstring.end_lineno or docstring.lineno):
            lines[number] = ""
    yield from _of_comments(lines)


def _of_comments(lines: Sequence[str]) -> Iterator[Passage]:
    """Comments: those that stand alone are about the line below them, the others about their own.

    One that the file begins with is about the file.
    """
    above: list[str] = []
    before = ""
    for number, line in enumerate([*lines, ""]):
        stripped = line.strip()
        if stripped.startswith("#"):
            above.append(stripped.lstrip("#:").strip())
            continue
        if above:
            opens = number == len(above)
            yield Passage("" if opens else _name(stripped), " ".join(above))
            above = []
        if (comment := _COMMENT.search(line)) is not None:
            code = line[: comment.start()].strip()
            about = before if code in (")", "),", "],", "},") else code
            yield Passage(_subject(about), comment["words"].rstrip(',"').strip(), behind=True)
        before = stripped


def _subject(code: str) -> str:
    """What a line is about: the codes it lists, the sentence of a rule, or all of it."""
    code = code.rstrip(",")
    listed = re.fullmatch(r'[A-Z_]+="(?!"")(?P<codes>[^"]*)"?|(?:TextRule\()?"\w\w", .*"(?P<rule>[^"]*)"\)?', code)
    if listed is not None:
        return str(listed["rule"] or listed["codes"]).strip()
    return code if len(code) <= 100 else f"{code[:99]}…"


def _name(code: str) -> str:
    """The name that a line gives to something; what the line is about where it names nothing."""
    named = re.match(r"(?:def |class )?(?P<name>[A-Za-z_]\w*)(?:: [^=]+)?(?: = |\()", code)
    return named["name"] if named is not None and not code.startswith(("return", "raise")) else _subject(code)
