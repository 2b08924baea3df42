"""Asks the apiserver for the log of one container."""

from collections.abc import Mapping
from urllib.parse import urlencode

from service.kube.answers import Answer, Refused
from service.kube.client import KubeClient
from service.kube.pods import Pod
from service.kube.responses import UpstreamBroken, UpstreamResponse
from service.logs.unreadable import Unreadable, reason_of
from service.resources import PODS_LOG

# Of a type: with any other the apiserver cannot write its errors, and answers 406 instead.
_ANY = {"Accept": "*/*"}
# Larger than any Status that the apiserver was seen to write.
_STATUS_BYTES = 1024 * 1024
# A container may write nothing for hours, and nothing tells a connection that is dead from that. So one that is
# silent for so long is given up, and the log is asked for again from its last line on.
_FOLLOW_SILENCE_SECONDS = 300.0


class LogSource:
    """Reads logs of one namespace's pods.

    Args:
        client: the connections.
        namespace: the namespace.
    """

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def opened(self, pod: Pod, container: str, asked: Mapping[str, str]) -> UpstreamResponse:
        """Return a log whose bytes are still on the way.

        Args:
            pod: the pod.
            container: the name of one of its containers.
            asked: the query parameters.

        Raises:
            Unreadable: the apiserver, or the kubelet, has none.
            Refused: it may not be read.
            ApiError: there is no answer.
        """
        upstream = await self.answered(pod.name, asked)
        if upstream.status == 200:
            return upstream
        async with upstream:
            try:
                body = await upstream.read(_STATUS_BYTES) or b""
            except UpstreamBroken:
                body = b""
        refused = Refused(Answer(upstream.status, upstream.headers, body))
        if refused.is_denial:
            raise refused
        code = max(upstream.status, 400)
        raise Unreadable(code, reason_of(pod, container, upstream.status, body))

    async def answered(self, pod: str, asked: Mapping[str, str]) -> UpstreamResponse:
        """Return what the apiserver answers, whatever that is.

        Raises:
            ApiError: there is no answer.
        """
        path, text = PODS_LOG.path(self._namespace, pod), urlencode(asked)
        if "follow" in asked:
            return await self._client.stream(path, text, _ANY, _FOLLOW_SILENCE_SECONDS)
        return await self._client.read(path, text, _ANY)
