"""Ask a server a few things before it is measured, as many at once as there will be then."""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice

from .candidates import Candidate


def warm_up(candidate: Candidate, connections: int, paths: Sequence[str]) -> None:
    """GET the paths, so many at a time, each whole.

    Afterwards the server's own connections are there, what a caller may do is remembered, and what is loaded late
    is loaded. A first run of wrk would leave less: it ends amid answers, and the connections behind these break.

    Raises:
        AnswerError: one of them is no success.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(candidate.connection()) for _ in range(connections)]
        left = iter(paths)
        while batch := list(islice(left, connections)):
            asked = list(zip(opened, batch, strict=False))
            for connection, path in asked:
                connection.ask("GET", path)
            for connection, path in asked:
                connection.answer("GET", path)
