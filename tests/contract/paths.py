"""The same things under the service's paths and under the apiserver's."""


def jobs(namespace: str) -> str:
    """The service's path of a namespace's Jobs."""
    return f"/api/v1/_raw/job/namespace/{namespace}"


def job(namespace: str, name: str) -> str:
    """The service's path of one Job."""
    return f"{jobs(namespace)}/name/{name}"


def direct_jobs(namespace: str) -> str:
    """The apiserver's path of a namespace's Jobs."""
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def direct_job(namespace: str, name: str) -> str:
    """The apiserver's path of one Job."""
    return f"{direct_jobs(namespace)}/{name}"
