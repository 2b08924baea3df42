"""Ask a server many things before it is measured, some at once."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import TypeAlias

from .candidates import Candidate

# A method, a path, and a body or None.
Asked: TypeAlias = tuple[str, str, object]


def warm_up(candidate: Candidate, connections: int, paths: Sequence[str]) -> None:
    """GET the paths, as many at a time as will be asked for at once, each whole.

    Afterwards the server's own connections are there, what a caller may do is remembered, and what is loaded late
    is loaded. A first run of wrk would leave less: it ends amid answers, and the connections behind these break.

    Raises:
        AnswerError: one of them is no success.
    """
    ask_all(candidate, connections, (("GET", path, None) for path in paths))


def ask_all(candidate: Candidate, connections: int, asked: Iterable[Asked]) -> None:
    """Ask for everything, so much at a time, and return when all is answered.

    Raises:
        AnswerError: one of the answers is no success.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(candidate.connection()) for _ in range(connections)]
        left = iter(asked)
        while batch := list(islice(left, connections)):
            pairs = list(zip(opened, batch, strict=False))
            for connection, (method, path, body) in pairs:
                connection.ask(method, path, body)
            for connection, (method, path, _) in pairs:
                connection.answer(method, path)
