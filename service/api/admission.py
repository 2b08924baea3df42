"""How much is done at a time: requests and streams, in all and of one caller."""

from collections import Counter

from service.errors import TooManyRequests
from service.metrics import Metrics
from service.settings import Settings, flag_of


class _Bound:
    """Counts what each of some holds, and refuses more than is allowed.

    Args:
        name: what the metrics call it.
        settings: has the number.
        setting: its name.
        what: what is counted, for the message that refuses.
        metrics: counts the refusals.

    Attributes:
        name: likewise.
        most: the number.
    """

    def __init__(self, name: str, settings: Settings, setting: str, what: str, metrics: Metrics) -> None:
        self.name = name
        self.most: int = getattr(settings, setting)
        self._refusal = f"{what}: no more than {self.most} at a time ({flag_of(setting)}); try again later"
        self._metrics = metrics
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        return self._held.total()

    def is_full_for(self, key: str) -> bool:
        return self._held.get(key, 0) >= self.most

    def take(self, key: str) -> None:
        if self.is_full_for(key):
            self._metrics.rejected(self.name)
            raise TooManyRequests(self._refusal)
        self._held[key] += 1

    def give_back(self, key: str) -> None:
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]


class Admission:
    """Lets requests in.

    Args:
        settings: the numbers.
        metrics: counts the refusals.

    Attributes:
        streams_by_kind: how many streams there are of each kind.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        def bound(name: str, setting: str, what: str) -> _Bound:
            return _Bound(name, settings, setting, what, metrics)

        streams = "too many watches, waits and followed logs"
        self.requests = bound("requests", "max_requests_inflight", "too many requests in flight")
        self.requests_of_one = bound(
            "requests_per_caller",
            "max_requests_inflight_per_caller",
            "too many requests of this caller in flight",
        )
        self.streams = bound("streams", "max_streams", streams)
        self.streams_of_one = bound("streams_per_caller", "max_streams_per_caller", f"{streams} of this caller")
        self.streams_by_kind = Counter({"watch": 0, "wait": 0, "log": 0})

    @property
    def bounds(self) -> tuple[_Bound, ...]:
        """What is bounded."""
        return self.requests, self.requests_of_one, self.streams, self.streams_of_one

    def is_full_for(self, caller_key: str) -> bool:
        """Tell whether a request of a caller would be refused now, if it took a place."""
        return self.requests.is_full_for("") or (bool(caller_key) and self.requests_of_one.is_full_for(caller_key))

    @property
    def requests_in_flight(self) -> int:
        """How many requests there are, but for streams."""
        return self.requests.held


class Place:
    """What one request holds of the bounds.

    Args:
        admission: the bounds.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._caller_key = ""
        self._stream_kind = ""
        self._held: list[tuple[_Bound, str]] = []

    def enter(self) -> None:
        """Count as a request in flight.

        Raises:
            TooManyRequests: there are as many as there may be.
        """
        self._take(self._admission.requests, "")

    def belongs_to(self, caller_key: str) -> None:
        """Count for a caller too, now that it is known.

        Args:
            caller_key: tells callers apart; empty where they are not.

        Raises:
            TooManyRequests: the caller has as many as it may have.
        """
        self._caller_key = caller_key
        if caller_key:
            self._take(self._admission.requests_of_one, caller_key)

    def becomes_stream(self, kind: str) -> None:
        """Count as a stream from now on, and no longer as a request in flight.

        Args:
            kind: watch, wait or log.

        Raises:
            TooManyRequests: there are as many as there may be, in all or of the caller.
        """
        self.leave()
        self._take(self._admission.streams, "")
        if self._caller_key:
            self._take(self._admission.streams_of_one, self._caller_key)
        self._stream_kind = kind
        self._admission.streams_by_kind[kind] += 1

    def leave(self) -> None:
        """Give everything back."""
        if self._stream_kind:
            self._admission.streams_by_kind[self._stream_kind] -= 1
            self._stream_kind = ""
        while self._held:
            bound, key = self._held.pop()
            bound.give_back(key)

    def _take(self, bound: _Bound, key: str) -> None:
        bound.take(key)
        self._held.append((bound, key))
