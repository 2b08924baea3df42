"""What happens to Jobs in a store, without a controller."""

from typing import Any

from service.sandbox.store import Key, Object, Store


def create(store: Store, name: str, namespace: str = "default", **labels: str) -> Object:
    """Put a Job into the store that no controller cares for."""
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    spec = {"managedBy": "example.com/nobody", "template": {"spec": {"containers": []}}}
    job: Object = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec, "status": {}}
    return store.create("jobs", job).decoded()


def change(store: Store, job: Object, *, labels: Object | None = None, **fields: Any) -> Object:
    metadata = {**job["metadata"], "labels": job["metadata"]["labels"] if labels is None else labels}
    stored = store.update("jobs", {**job, **fields, "metadata": metadata})
    assert stored is not None
    return stored.decoded()


def delete(store: Store, job: Object) -> None:
    store.delete(Key("jobs", job["metadata"]["namespace"], job["metadata"]["name"]))
