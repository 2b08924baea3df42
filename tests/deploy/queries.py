"""What PromQL queries ask for: enough of a parser to hold them to the metrics that exist."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_STRING = r'"(?:[^"\\]|\\.)*"'
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_STRING})")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
# A name, with what stands in braces; a name before a parenthesis is a function's.
_SELECTOR = re.compile(rf'(?<![\w.:])([a-zA-Z_:][\w:]*)(?![\w:])\s*(\{{(?:{_STRING}|[^}}"])*\}})?(?!\s*\()')
_WORDS = frozenset(("and", "or", "unless", "bool", "offset", "group_left", "group_right"))


class Selector(NamedTuple):
    """A metric, and what its labels have to be.

    Attributes:
        metric: the name, with a histogram's suffix.
        matchers: of each label that is named, the values that its matchers name, apart.
    """

    metric: str
    matchers: dict[str, list[str]]


def selectors(query: str) -> Iterator[Selector]:
    """Yield what a query selects."""
    for name, braces in _SELECTOR.findall(_RANGE.sub("", _GROUPING.sub(" ", query))):
        if name not in _WORDS:
            matchers: dict[str, list[str]] = {}
            for label, _, value in _MATCHER.findall(braces):
                matchers.setdefault(label, []).extend(value.strip('"').split("|"))
            yield Selector(name, matchers)


def groupings(query: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the labels that a query aggregates or matches by, each time with the word before them."""
    for word, labels in _GROUPING.findall(query):
        yield word, set(re.findall(r"\w+", labels))
