"""What a request to the apiserver is in the words of an RBAC rule."""

_BY_METHOD = {"POST": "create", "DELETE": "delete"}


def verb_and_resource(method: str, path: str, *, streams: bool) -> tuple[str, str]:
    """Return the verb and the resource of a request that the service makes; of its own, there are but a few.

    Args:
        method: the HTTP method.
        path: the path, such as `Resource.path` returns.
        streams: whether the answer lasts; of a log, which is read in the same way, the verb is then follow.
    """
    _, root, *parts = path.split("/")
    if root not in {"api", "apis"}:
        return "get", root
    rest = parts[2:] if root == "apis" else parts[1:]
    if rest[0] == "namespaces":
        rest = rest[2:]
    plural, *below = rest
    subresource = below[1] if len(below) > 1 else ""
    if streams:
        verb = "follow" if subresource else "watch"
    else:
        verb = _BY_METHOD.get(method) or ("get" if below else "list")
    return verb, f"{plural}/{subresource}" if subresource else plural
