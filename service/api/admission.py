"""How much is done at a time: requests and streams, in all and of one caller."""

from collections import Counter

from service.errors import TooManyRequests
from service.settings import Settings, flag_of


class _Bound:
    """Counts what each of some holds, and refuses more than is allowed.

    Args:
        settings: has the number.
        setting: its name.
        what: what is counted, for the message that refuses.
    """

    def __init__(self, settings: Settings, setting: str, what: str) -> None:
        self._most: int = getattr(settings, setting)
        self._refusal = f"{what}: no more than {self._most} at a time ({flag_of(setting)}); try again later"
        self._held: Counter[str] = Counter()

    def take(self, key: str) -> None:
        if self._held[key] >= self._most:
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
    """

    def __init__(self, settings: Settings) -> None:
        self.requests = _Bound(settings, "max_requests_inflight", "too many requests in flight")
        self.requests_of_one = _Bound(
            settings, "max_requests_inflight_per_caller", "too many requests of this caller in flight"
        )
        self.streams = _Bound(settings, "max_streams", "too many watches, waits and followed logs")
        self.streams_of_one = _Bound(
            settings, "max_streams_per_caller", "too many watches, waits and followed logs of this caller"
        )


class Place:
    """What one request holds of the bounds.

    Args:
        admission: the bounds.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._caller_key = ""
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

    def becomes_stream(self) -> None:
        """Count as a stream from now on, and no longer as a request in flight.

        Raises:
            TooManyRequests: there are as many as there may be, in all or of the caller.
        """
        self.leave()
        self._take(self._admission.streams, "")
        if self._caller_key:
            self._take(self._admission.streams_of_one, self._caller_key)

    def leave(self) -> None:
        """Give everything back."""
        while self._held:
            bound, key = self._held.pop()
            bound.give_back(key)

    def _take(self, bound: _Bound, key: str) -> None:
        bound.take(key)
        self._held.append((bound, key))
