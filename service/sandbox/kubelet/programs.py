"""What a container of the sandbox does: nothing is ever executed, its command is only read.

Understood are echo, printf, sleep, true, false and exit, alone or in `sh -c` one after the other, joined by `;`,
`&&`, `||` and newlines, with quotes and variables as in a shell, and the `$(NAME)` of Kubernetes. Anything else is
a container that says that it pretends, and succeeds.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

from service.sandbox.kubelet.shell import MOST_CHARACTERS, NotUnderstoodError, Statement, statements

MOST_LOG_BYTES = 64 * 1024
PRETEND_SECONDS = 0.5
# Who sleeps longer sleeps for ever; so every time that is reckoned with is a date.
LONGEST_SECONDS = 10 * 365 * 86_400

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"(\d{1,12}(?:\.\d*)?|\.\d+)([smhd]?)", re.ASCII)
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "r": "\r"}
_FORMAT = re.compile(r"\\([nt\\\"r])|%([sdi%])|([^\\%]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Output:
    """Something that a program writes.

    Attributes:
        second: when, counted from its start.
        text: what.
    """

    second: float
    text: bytes


@dataclass(frozen=True, slots=True)
class Program:
    """What a container will do.

    Attributes:
        output: what it writes, in order, at most MOST_LOG_BYTES altogether.
        seconds: how long it runs; may be infinite.
        exit_code: how it ends.
    """

    output: tuple[Output, ...]
    seconds: float
    exit_code: int


def program(argv: Sequence[str], environment: Mapping[str, str], *, image: str = "") -> Program:
    """Return what a container will do.

    Args:
        argv: its command and args.
        environment: its variables, as far as they are known.
        image: what it pretends to run when there is no command.
    """
    words = list(argv)
    run = _Run(dict(environment))
    try:
        words = _expanded(words, environment)
        run.main(words)
    except NotUnderstoodError:
        run = _Run({})
        run.write(f"sandbox: pretends to run: {' '.join(words) or image}\n")
        run.second = PRETEND_SECONDS
    return Program(tuple(run.output), run.second, run.status)


def _expanded(words: list[str], environment: Mapping[str, str]) -> list[str]:
    longest = max(map(len, environment.values()), default=0)
    if sum(len(word) + word.count("$(") * longest for word in words) > MOST_CHARACTERS:
        raise NotUnderstoodError
    return [_REFERENCE.sub(lambda found: _referred(found, environment), word) for word in words]


def _referred(found: re.Match[str], environment: Mapping[str, str]) -> str:
    """Return what a reference stands for; one to nothing stays as it is, as in Kubernetes."""
    return "$" if found[0] == "$$" else environment.get(found[1], found[0])


@dataclass(slots=True)
class _Run:
    """A program as it is gone through."""

    environment: dict[str, str]
    second: float = 0.0
    status: int = 0
    output: list[Output] = field(default_factory=list)
    room: int = MOST_LOG_BYTES

    def write(self, text: str) -> None:
        raw = text.encode("utf-8", "replace")[: self.room]
        self.room -= len(raw)
        if raw:
            self.output.append(Output(self.second, raw))

    def main(self, argv: list[str]) -> None:
        if not argv:
            raise NotUnderstoodError
        if PurePosixPath(argv[0]).name not in _SHELLS:
            if argv[0] not in _PROGRAMS and PurePosixPath(argv[0]).parent.name != "bin":
                raise NotUnderstoodError
            self._command([PurePosixPath(argv[0]).name, *argv[1:]], _PROGRAMS)
            return
        if len(argv) != 3 or argv[1] not in {"-c", "-ec", "-ce", "-euc"}:
            raise NotUnderstoodError
        self._script(statements(argv[2], self.environment), errexit="e" in argv[1])

    def _script(self, script: Sequence[Statement], *, errexit: bool) -> None:
        for place, (joint, words) in enumerate(script):
            if (joint == "&&" and self.status) or (joint == "||" and not self.status):
                continue
            if words[0] == "set":
                errexit = _errexit(words[1:]) or errexit
                self.status = 0
                continue
            if words[0] == "exit":
                self.status = self._exit(words[1:])
                return
            self._command(words, _BUILTINS)
            last = place + 1 == len(script) or script[place + 1].joint == ";"
            if math.isinf(self.second) or (errexit and self.status and last):
                return

    def _exit(self, arguments: list[str]) -> int:
        if not arguments:
            return self.status
        if len(arguments) > 1 or not re.fullmatch(r"\d{1,9}", arguments[0], re.ASCII):
            raise NotUnderstoodError
        return int(arguments[0]) % 256

    def _command(self, argv: list[str], known: Mapping[str, "_Command"]) -> None:
        if argv[0] not in known:
            raise NotUnderstoodError
        self.status = 0
        known[argv[0]](self, argv[1:])


def _errexit(arguments: list[str]) -> bool:
    """Return whether `set` asks to stop at the first failure; the other options let pass change nothing here."""
    options = [word for word in arguments if word != "pipefail"]
    if not options or any(not re.fullmatch(r"-[euo]+", word) for word in options):
        raise NotUnderstoodError
    return any("e" in word for word in options)


def _echo(run: _Run, arguments: list[str]) -> None:
    if arguments[:1] == ["-n"]:
        run.write(" ".join(arguments[1:]))
        return
    if arguments and re.fullmatch(r"-[neE]+", arguments[0]):
        raise NotUnderstoodError
    run.write(" ".join(arguments) + "\n")


def _printf(run: _Run, arguments: list[str]) -> None:
    if not arguments:
        raise NotUnderstoodError
    values, text, end = iter(arguments[1:]), "", 0
    for found in _FORMAT.finditer(arguments[0]):
        if found.start() != end:
            raise NotUnderstoodError
        end = found.end()
        text += _formatted(found, values)
    if end != len(arguments[0]) or next(values, None) is not None:
        raise NotUnderstoodError
    run.write(text)


def _formatted(found: re.Match[str], values: Iterator[str]) -> str:
    escape, conversion, plain = found.groups()
    if plain:
        return str(plain)
    if escape:
        return _ESCAPES[escape]
    if conversion == "%":
        return "%"
    return str(next(values, "" if conversion == "s" else "0"))


def _sleep(run: _Run, arguments: list[str]) -> None:
    if not arguments:
        raise NotUnderstoodError
    for argument in arguments:
        if argument in {"infinity", "inf"}:
            run.second = math.inf
            continue
        found = _DURATION.fullmatch(argument)
        if found is None:
            raise NotUnderstoodError
        run.second += float(found[1]) * _SECONDS[found[2]]
    if run.second > LONGEST_SECONDS:
        run.second = math.inf


def _true(run: _Run, arguments: list[str]) -> None:
    run.status = 0


def _false(run: _Run, arguments: list[str]) -> None:
    run.status = 1


_Command: TypeAlias = Callable[[_Run, list[str]], None]

_PROGRAMS: Mapping[str, _Command] = {
    "echo": _echo,
    "printf": _printf,
    "sleep": _sleep,
    "true": _true,
    "false": _false,
}
_BUILTINS: Mapping[str, _Command] = {**_PROGRAMS, ":": _true}
