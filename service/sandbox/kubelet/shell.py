"""The little of a shell's language that the sandbox reads."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

MOST_CHARACTERS = 256 * 1024

Joint: TypeAlias = Literal[";", "&&", "||"]

_TOKEN = re.compile(
    r"""
    (?P<space> [\ \t]+ | \\\n )
    | (?P<comment> \#[^\n]* )
    | (?P<joint> && | \|\| | ; | \n )
    | (?P<redirect> [12]?>&[12](?=[\s;&|]|$) )
    | (?P<word> (?: [^\s'"\\$`;&|<>()*~] | '[^']*' | "(?: [^"\\] | \\. )*" | \\[^\n] | \$ )+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_PART = re.compile(
    r"""
    '(?P<single> [^']* )'
    | "(?P<double> (?: [^"\\] | \\. )* )"
    | \\(?P<escaped> . )
    | \$(?P<name> [A-Za-z_][A-Za-z0-9_]* ) | \$\{(?P<braced> [A-Za-z_][A-Za-z0-9_]* )\}
    | (?P<plain> [^'"\\$]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_DOUBLE_QUOTES = re.compile(
    r"""
    \\(?P<escaped> [$`"\\] ) | (?P<continued> \\\n )
    | \$(?P<name> [A-Za-z_][A-Za-z0-9_]* ) | \$\{(?P<braced> [A-Za-z_][A-Za-z0-9_]* )\}
    | (?P<plain> [^\\$`]+ | \\ )
    """,
    re.VERBOSE | re.DOTALL,
)


class NotUnderstoodError(Exception):
    """The sandbox does not know what this would do."""


class Statement(NamedTuple):
    """A simple command.

    Attributes:
        joint: how it hangs together with the one before.
        words: at least one.
    """

    joint: Joint
    words: list[str]


def statements(script: str, environment: Mapping[str, str]) -> list[Statement]:
    """Return a script's commands, their words without quotes and with the variables' values.

    Raises:
        NotUnderstoodError: there is something else in it, such as a pipe, a loop or a glob, or its words would be
            longer than MOST_CHARACTERS, which the values of variables can make of a short script.
    """
    found: list[Statement] = []
    words: list[str] = []
    joint: Joint = ";"
    place = 0
    room = MOST_CHARACTERS
    while place < len(script):
        token = _TOKEN.match(script, place)
        if token is None:
            raise NotUnderstoodError
        place = token.end()
        if token["word"]:
            words.append(_text(_PART, token["word"], environment, room))
            room -= len(words[-1])
        elif token["joint"] and not (token["joint"] == "\n" and not words):
            _finish(found, joint, words)
            joint, words = _joint(token["joint"]), []
    if words or joint != ";":
        _finish(found, joint, words)
    return found


def _finish(found: list[Statement], joint: Joint, words: list[str]) -> None:
    if not words:
        raise NotUnderstoodError
    found.append(Statement(joint, words))


def _joint(text: str) -> Joint:
    return "&&" if text == "&&" else "||" if text == "||" else ";"


def _text(grammar: re.Pattern[str], text: str, environment: Mapping[str, str], room: int) -> str:
    parts, place = [], 0
    while place < len(text):
        part = grammar.match(text, place)
        if part is None:
            raise NotUnderstoodError
        place = part.end()
        parts.append(_part(part, environment, room))
        room -= len(parts[-1])
        if room < 0:
            raise NotUnderstoodError
    return "".join(parts)


def _part(part: re.Match[str], environment: Mapping[str, str], room: int) -> str:
    found = part.groupdict()
    if found.get("double") is not None:
        return _text(_IN_DOUBLE_QUOTES, found["double"], environment, room)
    if found.get("continued"):
        return ""
    name = found["name"] or found["braced"]
    if name:
        if name not in environment:
            raise NotUnderstoodError
        return environment[name]
    return found["plain"] or found["escaped"] or found.get("single") or ""
