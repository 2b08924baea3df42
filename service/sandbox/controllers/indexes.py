"""Sets of completion indexes, in the form in which a Job's status has them: `1,3-5,7`.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/#JobStatus
"""

from collections.abc import Iterable


def parsed(text: str, completions: int) -> set[int]:
    """Return the indexes of a text, of those below `completions`."""
    found: set[int] = set()
    for interval in filter(None, text.split(",")):
        first, _, last = interval.partition("-")
        found.update(range(int(first), min(int(last or first) + 1, completions)))
    return found


def text(indexes: Iterable[int]) -> str:
    """Return the shortest form: neighbours become an interval from three on."""
    intervals: list[list[int]] = []
    for index in sorted(indexes):
        if intervals and intervals[-1][1] == index - 1:
            intervals[-1][1] = index
        else:
            intervals.append([index, index])
    return ",".join(_interval(first, last) for first, last in intervals)


def first_free(count: int, completions: int, taken: set[int]) -> list[int]:
    """Return the lowest indexes below `completions` that are not taken, at most `count`."""
    free: list[int] = []
    for candidate in range(completions):
        if len(free) >= count:
            break
        if candidate not in taken:
            free.append(candidate)
    return free


def _interval(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first}{',' if last == first + 1 else '-'}{last}"
