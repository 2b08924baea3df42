"""Turns what a watch tells into its stream's bytes, and knows what a reader of them knows."""

from service.api.framing import Framing
from service.cache.batches import Batch, Delivery
from service.kube.watch import WatchEvent, bookmark, code_of

_EXPIRED = 410


class WatchFramer:
    """Writes batches down.

    Args:
        framing: the form of the stream.
        bookmarks: whether BOOKMARK events are wanted.

    Attributes:
        framing: likewise.
        bookmarks: likewise.
    """

    def __init__(self, framing: Framing, *, bookmarks: bool) -> None:
        self.framing = framing
        self.bookmarks = bookmarks
        self._known: int | None = None  # up to where the reader knows everything
        self._told: int | None = None  # the last place that the stream has told

    def anew(self) -> "WatchFramer":
        """Return one that writes the same form, and whose reader knows nothing yet."""
        return WatchFramer(self.framing, bookmarks=self.bookmarks)

    def follow(self, other: "WatchFramer") -> None:
        """Note that the reader was given what another framer has written."""
        self._known = other._known
        self._told = self._told if other._told is None else other._told

    def framed(self, batch: Batch) -> bytes:
        """Return the batch's bytes; they may be none."""
        frames = [self._event(each) for each in batch.deliveries if self._is_wanted(each)]
        self._known = batch.resource_version
        if not batch.deliveries:
            frames.append(self.framing.comment())
        untold = self._known if self._known != self._told else None
        # Lines cannot tell a place, which is then still to be told in the end.
        if untold is not None and not (frames and batch.deliveries) and (place := self.framing.place(untold)):
            self._told = untold
            frames.append(place)
        return b"".join(frames)

    def expired(self, status: bytes) -> bytes:
        """Return what ends a stream that cannot be gone on with."""
        self._known = None
        return self.framing.expired(status)

    def refused(self, status: bytes) -> bytes:
        """Return what ends a stream whose caller may not go on."""
        self._known = None
        return self.framing.event("ERROR", status, None)

    def farewell(self) -> bytes:
        """Return what tells the reader a place to go on from, where the last event is behind it."""
        if self._known is None or self._known == self._told:
            return b""
        if self.bookmarks:
            return self.framing.event("BOOKMARK", bookmark(self._known), self._known)
        return self.framing.place(self._known)

    def _is_wanted(self, delivery: Delivery) -> bool:
        if delivery.type != "BOOKMARK" or self.bookmarks:
            return True
        return self.framing.tells_completion and WatchEvent(*delivery[:2]).ends_initial_events

    def _event(self, delivery: Delivery) -> bytes:
        if delivery.type == "ERROR" and code_of(WatchEvent("ERROR", delivery.object)) == _EXPIRED:
            return self.framing.expired(delivery.object)
        if delivery.resource_version is not None:
            self._told = delivery.resource_version
        return self.framing.event(delivery.type, delivery.object, delivery.resource_version)
