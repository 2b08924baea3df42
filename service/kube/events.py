"""The events of a Job and of its pods, out of all events of their namespace.

Events cannot be asked for by several objects at once, and one call for each of hundreds of pods would be too many:
https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/.
"""

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec

from service.errors import ServiceUnavailable
from service.kube.client import KubeClient
from service.kube.job_pods import JobPods
from service.kube.lists import begun_anew, pages
from service.kube.objects import decoded
from service.kube.pods import Pod, read_pod
from service.kube.raw_lists import list_of, read_list
from service.resources import EVENTS, PODS

_METADATA_ONLY = MappingProxyType({"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"})
# Of a Job with 500 pods there are some 5 MiB.
_MOST_BYTES = 32 * 1024 * 1024
# What the Job controller says of the pods that it makes and deletes; client-go combines many alike.
_OF_A_POD = re.compile(r"(?:\(combined from similar events\): )?(?:Created|Deleted) pod: (\S+)")
_POD_REASONS = frozenset(("SuccessfulCreate", "SuccessfulDelete"))
# A pod's name is its Job's, an index where there are some, and a random end. A name that leaves no room for these
# is cut, but never shorter than this.
_ADDED = r"-(?:[0-9]+-)?[a-z0-9]+"
_KEPT_OF_THE_NAME = 40
_NEVER = datetime.min.replace(tzinfo=UTC)


class _Object(msgspec.Struct):
    kind: str = ""
    name: str = ""
    uid: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    creation_timestamp: datetime | None = None


class _Event(msgspec.Struct, rename="camel"):
    metadata: _Metadata
    involved_object: _Object
    reason: str = ""
    message: str = ""
    event_time: datetime | None = None
    last_timestamp: datetime | None = None

    @property
    def moment(self) -> datetime:
        return self.event_time or self.last_timestamp or self.metadata.creation_timestamp or _NEVER


_event = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An event; where only a pod's name could make it one of the Job's, with that pod."""

    raw: bytes
    moment: datetime
    doubtful: _Object | None


class _Selected:
    """Keeps, of all events, those that are about one Job and its pods.

    Pods that are gone already are known by name only, from what the Job's own events say, which may come after
    theirs. So events of pods that could be the Job's by their name are kept until the end.

    Args:
        name: the Job's name.
        uid: the Job's uid.
        pods: the Job's pods that are there.
    """

    def __init__(self, name: str, uid: str, pods: Sequence[Pod]) -> None:
        self._job_uid = uid
        self._uids = {uid, *(pod.uid for pod in pods)} - {""}
        self._present = {pod.name for pod in pods}
        self._told: set[str] = set()
        is_short = len(name) <= _KEPT_OF_THE_NAME
        self._like_ours = re.compile(re.escape(name[:_KEPT_OF_THE_NAME]) + (_ADDED if is_short else ".*"))
        self._kept: list[_Kept] = []
        self._bytes = 0

    def take(self, raw: msgspec.Raw) -> None:
        """Look at one event, and keep it where it may be one of them."""
        event = decoded(_event, raw)
        about = event.involved_object
        if about.uid == self._job_uid and (pod := _pod_named_by(event)):
            self._told.add(pod)
        if about.uid in self._uids:
            self._keep(_Kept(bytes(raw), event.moment, None))
        elif about.kind == "Pod" and self._like_ours.fullmatch(about.name):
            self._keep(_Kept(bytes(raw), event.moment, about))

    def in_order(self) -> list[bytes]:
        """Return those that are, oldest first; of one moment, in the order of their names."""
        found = [each for each in self._kept if each.doubtful is None or self._is_ours(each.doubtful)]
        return [each.raw for each in sorted(found, key=lambda each: each.moment)]

    def _is_ours(self, pod: _Object) -> bool:
        # An eviction from a node is told without a uid; another uid is that of an earlier pod of this name.
        if pod.name in self._present:
            return not pod.uid
        return pod.name in self._told

    def _keep(self, kept: _Kept) -> None:
        self._kept.append(kept)
        self._bytes += len(kept.raw)
        if self._bytes > _MOST_BYTES:
            raise ServiceUnavailable(
                f"the events of this Job and its pods have more than {_MOST_BYTES} bytes, which are not held here; "
                "the apiserver drops them with time"
            )


async def events_of(client: KubeClient, namespace: str, name: str, pods: JobPods) -> bytes:
    """Return the EventList, as JSON, of a Job and of its pods, those that are deleted included; oldest first.

    It takes one list of the Job's pods and one of the namespace's events, each in pages. An event's moment is its
    eventTime, else its lastTimestamp, else its creationTimestamp.

    Args:
        client: the connections.
        namespace: the Job's namespace.
        name: the Job's name.
        pods: tells the Job's pods.

    Raises:
        ApiError: there is no answer, or more events than can be held.
        Refused: a list was refused; with 410 when its pages came too late several times.
        UpstreamBroken: an answer broke off.
        msgspec.DecodeError: an answer is no such list.
    """
    present = await begun_anew(lambda: _pods(client, namespace, pods))
    return await begun_anew(lambda: _events(client, namespace, _Selected(name, pods.job_uid, present)))


def _pod_named_by(event: _Event) -> str:
    """Return the pod that the Job controller says to have made or deleted; empty where it says something else."""
    named = _OF_A_POD.fullmatch(event.message) if event.reason in _POD_REASONS else None
    return named[1] if named else ""


async def _pods(client: KubeClient, namespace: str, pods: JobPods) -> list[Pod]:
    found: list[Pod] = []
    selector = {"labelSelector": pods.label_selector}
    async with aclosing(pages(client, PODS.path(namespace), selector, read_list, _METADATA_ONLY)) as listed:
        async for page in listed:
            found += filter(pods.includes, map(read_pod, page.items))
    return found


async def _events(client: KubeClient, namespace: str, selected: _Selected) -> bytes:
    async with aclosing(pages(client, EVENTS.path(namespace), {}, read_list)) as listed:
        async for page in listed:
            for event in page.items:
                selected.take(event)
    return list_of("EventList", page.metadata, selected.in_order())
