"""Reads the logs that there are: pod after pod, oldest first."""

from collections.abc import Iterable

from service.kube.pods import Pod
from service.logs.options import LogOptions
from service.logs.output import Output
from service.logs.unreadable import Unread, Unreadable
from service.logs.upstream import LogSource


def prefix_of(options: LogOptions, pod: Pod, container: str) -> bytes:
    """Return what each line of a container begins with."""
    return f"[pod/{pod.name}/{container}] ".encode() if options.prefix else b""


async def read_logs(source: LogSource, pods: Iterable[Pod], options: LogOptions, output: Output) -> list[Unread]:
    """Pass on the logs of pods, one container after the other.

    Args:
        source: asks for them.
        pods: the pods.
        options: what is asked for.
        output: takes the lines.

    Returns:
        What could not be read.

    Raises:
        ApiError: there is no answer.
        Refused: one may not be read.
        UpstreamBroken: one broke off.
    """
    unread = []
    for pod in sorted(pods, key=lambda each: (each.metadata.creation_timestamp, each.name)):
        for container in options.containers_of(pod):
            try:
                async with await source.opened(pod, container, options.parameters(container)) as upstream:
                    await output.sink.begin()
                    if not output.sink.wants_body:
                        return []
                    await output.relay(upstream.chunks(), prefix_of(options, pod, container))
            except Unreadable as error:
                unread.append(Unread(pod.name, container, error.code, error.reason))
    return unread
