"""Bodies that are made to do harm, and a program that reads each of them, as one of them might end it.

A body that the readers answer does not stop the program; each answer is a line of JSON on stdout.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from service.errors import BadRequest
from service.manifests import look, read_strictly

MEBIBYTES = 3 * 1024 * 1024

JOB = b"apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\n"
JSON_JOB = b'{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a"},"spec":'


def filled(start: bytes, unit: bytes, end: bytes = b"") -> bytes:
    """Return a body of 3 MiB at most: the start, the unit again and again, the end."""
    return start + unit * ((MEBIBYTES - len(start) - len(end)) // len(unit)) + end


def bomb(form: bytes) -> bytes:
    """Return a body whose aliases stand for 9**13 nodes; the form says how a level refers to the one before it."""
    level = b"%c: &%c " + form + b"\n"
    aliases = {letter: b",".join([b"*%c" % (letter - 1)] * 9) for letter in range(ord("b"), ord("n"))}
    return b"a: &a {k: v}\n" + b"".join(level % (letter, letter, aliases[letter]) for letter in aliases)


def tag_directives(end_of_line: str) -> bytes:
    """Return a body with 20,000 different %TAG directives."""
    return "".join(f"%TAG !{number}! x{end_of_line}" for number in range(20_000)).encode() + b"---\n" + JOB


ALIAS_BOMB = bomb(b"[%s]")
MERGE_BOMB = bomb(b"{<<: [%s]}")

# By name: the body, what the look says of it ("taken" or a part of the refusal), and the strict reading alike.
HOSTILE: Mapping[str, tuple[bytes, str, str]] = MappingProxyType(
    {
        "60 kB of [": (b"[" * 60_000, "not a mapping", "deeper than 100"),
        "[ and nothing else": (filled(b"", b"["), "not a mapping", "deeper than 100"),
        "[ in a Job": (filled(JOB + b"spec: ", b"["), "deeper than 100", "deeper than 100"),
        "{ and nothing else": (filled(b"", b"{"), "deeper than 100", "deeper than 100"),
        "JSON [": (filled(JSON_JOB, b"["), "deeper than 100", "deeper than 100"),
        "JSON {": (filled(JSON_JOB, b'{"a":'), "deeper than 100", "deeper than 100"),
        "- on one line": (filled(b"", b"- "), "not a mapping", "deeper than 100"),
        "? on one line": (filled(b"", b"? "), "deeper than 100", "deeper than 100"),
        "a: on one line": (filled(b"", b"a: "), "mapping values are not allowed", "mapping values are not allowed"),
        "ever deeper lines": (
            b"".join(b" " * n + b"a:\n" for n in range(2_000)),
            "deeper than 100",
            "deeper than 100",
        ),
        "alias bomb": (JOB + ALIAS_BOMB, "taken", "when its aliases are written out"),
        "merge bomb": (JOB + MERGE_BOMB, "taken", "given twice"),
        "anchors": (filled(JOB + b"spec: [", b"&a x,"), "more than 100000 nodes", "more than 100000 nodes"),
        "aliases": (filled(JOB + b"spec: [&a x,", b"*a,"), "more than 1000 aliases", "more than 1000 aliases"),
        "a long anchor": (filled(JOB + b"spec: &a ", b"x") + b"\n", "taken", "taken"),
        "tags": (filled(JOB + b"spec: [", b"!!str x,"), "more than 100000 nodes", "more than 100000 nodes"),
        "a long tag": (filled(JOB + b"spec: !<", b"%41", b"> x"), "taken", "is not taken"),
        "directives": (tag_directives("\n"), "more %TAG directives", "more %TAG directives"),
        "directives, CR": (tag_directives("\r"), "more %TAG directives", "more %TAG directives"),
        "directives, NEL": (tag_directives("\x85"), "more %TAG directives", "more %TAG directives"),
        "directives, LS": (tag_directives("\u2028"), "more %TAG directives", "more %TAG directives"),
        "directives, commented": (tag_directives(" # c\n\n"), "more %TAG directives", "more %TAG directives"),
        "a directive copied into every tag": (
            b"%TAG ! " + b"x" * 100_000 + b"\n---\n[" + b"!a x," * 10_000 + b"]",
            "more %TAG directives",
            "more %TAG directives",
        ),
        "documents": (filled(JOB, b"---\n"), "more than 100 documents", "more than 100 documents"),
        "document ends": (filled(JOB, b"...\n"), "taken", "taken"),
        "a plain scalar": (filled(JOB + b"spec: ", b"x"), "taken", "taken"),
        "a plain scalar of digits": (filled(JOB + b"spec: ", b"9"), "taken", "64 bits"),
        "a plain scalar of minutes": (filled(JOB + b"spec: 1", b":1"), "taken", "readers of YAML differ"),
        "an integer of 5000 digits": (JOB + b"spec: " + b"9" * 5_000, "taken", "64 bits"),
        "a plain scalar of lines": (filled(JOB + b"spec:\n", b" x\n"), "taken", "taken"),
        "a quoted scalar of escapes": (filled(JOB + b'spec: "', b"\\n", b'"'), "taken", "taken"),
        "a block scalar of blanks": (filled(JOB + b"spec: |\n", b"\n"), "taken", "taken"),
        "comments": (filled(JOB, b"#\n"), "taken", "taken"),
        "blanks": (filled(b"", b" \n"), "the body is empty", "the body is empty"),
        "strings in a row": (filled(b"", b'"a" "b" '), "not a mapping", "not YAML"),
        "pairs in deep flow": (
            JOB + b"spec: " + b"{a: " * 97 + b"[" + b"a: b," * 10_000 + b"]" + b"}" * 97,
            "taken",
            "taken",
        ),
        "keys of 1024 characters": (filled(JOB, b"[" + b"a" * 1_000 + b"]: x\n"), "taken", "key is not a string"),
        "JSON strings": (
            filled(JSON_JOB + b"[", b'"a",', b"1]}"),
            "more than 100000 nodes",
            "more than 100000 nodes",
        ),
        "JSON escapes": (filled(JSON_JOB + b'"', b"\\n", b'"}'), "taken", "taken"),
        "JSON escapes without an end": (filled(JSON_JOB + b'"', b'\\"'), "not YAML", "not YAML"),
        "JSON blanks": (filled(JSON_JOB, b" \n", b"1}"), "taken", "taken"),
        "a JSON number": (filled(JSON_JOB, b"9", b"}"), "taken", "64 bits"),
        "no UTF-8 at the end": (filled(b"a: ", b"x", b"\xff"), "not UTF-8", "not UTF-8"),
    }
)


def answer(read: Callable[[bytes], object], body: bytes) -> str:
    """Return "taken", or the message of the refusal."""
    try:
        read(body)
    except BadRequest as refused:
        return refused.message
    return "taken"


def main() -> None:
    """Read every hostile body, and print each answer as soon as it is there."""
    for name, (body, *_) in HOSTILE.items():
        answers = [name, answer(lambda body: look(body, "default"), body), answer(read_strictly, body)]
        print(json.dumps(answers), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
