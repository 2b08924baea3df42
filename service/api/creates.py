"""What a create takes, whichever way it goes: a look at the manifest, and where the new Job is."""

import asyncio
from collections.abc import Mapping

from service.api.operations import JOB
from service.kube.objects import name_of
from service.kube.responses import UpstreamResponse
from service.manifests import ManifestLook, look

# A look at more than this takes milliseconds, and does not hold up the other requests in a thread.
_LOOK_IN_THREAD_BYTES = 64 * 1024
# Larger than any Job that etcd would take.
_PEEK_BYTES = 4 * 1024 * 1024


async def looked(manifest: bytes, namespace: str) -> ManifestLook:
    """Return what is seen of a manifest.

    Raises:
        BadRequest: it is not one Job for this namespace.
    """
    if len(manifest) <= _LOOK_IN_THREAD_BYTES:
        return look(manifest, namespace)
    return await asyncio.to_thread(look, manifest, namespace)


async def location_of(
    asked: Mapping[str, str], namespace: str, seen: ManifestLook, upstream: UpstreamResponse
) -> dict[str, str]:
    """Say where the new Job is; a name that the apiserver made up is in its answer, where that is plain JSON.

    Args:
        asked: the query.
        namespace: the namespace.
        seen: what was seen of the manifest.
        upstream: the answer, whose body stays to be read.
    """
    if "dryRun" in asked or upstream.status != 201:
        return {}
    name = seen.name
    if name is None and "Content-Encoding" not in upstream.headers:
        name = name_of(await upstream.peek(_PEEK_BYTES) or b"")
    return {} if name is None else {"Location": JOB.format(namespace=namespace, name=name)}
