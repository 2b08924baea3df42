"""Requests as no client would send them, for Hypothesis: valid ones that were bent, and bytes of any kind."""

from hypothesis import strategies as st

from tests.contract.manifests import suspended

_CHUNKED = "Transfer-Encoding: chunked"
_METHODS = ["GET", "HEAD", "POST", "DELETE"]
_ODD_METHODS = ["PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "", "G\x00T"]
_SEGMENTS = [
    "default",
    "fuzz",
    "a",
    "..",
    "%2e%2e",
    "a%2Fb",
    "%00",
    "%0d%0aX:%20y",
    "%ff",
    "%",
    "A_B",
    "a" * 300,
    "x;y",
]
_ODD_SEGMENTS = ["\xe4", "", " ", "\x00", "\x7f", '"']
_PATHS = [
    "/api/v1/_raw/job", "/api/v1/_raw/job/namespace/{0}", "/api/v1/_raw/job/namespace/{0}/name/{1}",
    "/api/v1/_raw/job/namespace/{0}/name/{1}/wait", "/api/v1/_raw/job/namespace/{0}/name/{1}/pod",
    "/api/v1/_raw/job/namespace/{0}/name/{1}/event", "/api/v1/_raw/job/namespace/{0}/name/{1}/log",
    "/api/v1/_raw/job/namespace/default/name/fuzz/log", "/metrics", "/livez", "/readyz", "/version", "/{0}/{1}",
    *["/api/v1/_raw/job/namespace/default"] * 4, *["/api/v1/_raw/job/namespace/default/name/fuzz"] * 3,
]  # fmt: skip
_ODD_PATHS = [
    "//{0}", "*", "", "http://{0}/livez", "http://[{0}", "http://{0}:{1}/livez", "{0}:80", "/livez#{0}?{1}",
]  # fmt: skip
_NAMES = [
    "watch", "labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "resourceVersionMatch",
    "timeoutSeconds", "allowWatchBookmarks", "sendInitialEvents", "includeObject", "pretty", "timeout", "dryRun",
    "fieldManager", "fieldValidation", "gracePeriodSeconds", "propagationPolicy", "orphanDependents", "for",
    "verbose", "", "a+b", "follow", "tailLines", "limitBytes", "sinceSeconds", "sinceTime", "timestamps",
    "previous", "container", "allContainers", "pod", "prefix",
]  # fmt: skip
_VALUES = [
    "", "true", "false", "0", "1", "-1", "18446744073709551616", "1e3", "All", "Exact", "NotOlderThan", "Strict",
    "a=b", "a+in+(b,c)", "!a", "((", "metadata.name=fuzz", "status.successful=1", "Background", "finished",
    "condition=A=B", "delete", "%00", "%ff", "%", "+", "%F0%9F%92%A9", "1s", "Table", "x" * 5_000,
    "2026-01-31T12:00:00Z", "main",
]  # fmt: skip
_HEADERS = [
    "Accept: application/json", "Accept: application/yaml", "Accept: ,;q=", "Accept: */*;q=x", "Accept: text/html",
    "Accept: application/json;as=Table;v=v1;g=meta.k8s.io", "Accept: application/vnd.kubernetes.protobuf",
    "Accept: text/event-stream", "Accept-Encoding: gzip", "Accept-Encoding: ;;", "Content-Encoding: identity",
    "Expect: 100-continue", "Connection: keep-alive", "Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c",
    "Sec-WebSocket-Key: eA", "Sec-WebSocket-Version: 13", "X-Request-Id: \xe4", "Last-Event-ID: 0",
    "Last-Event-ID: x", 'If-None-Match: W/"1", *', "If-None-Match: x", "Cookie: a=\xff; ;=", "Range: bytes=0-",
    "traceparent: \t", "Authorization: Bearer ", "Authorization: x", "Impersonate-User: root", "X: \xe4\t\xff",
    "If-Modified-Since: x",
]  # fmt: skip
_ODD_HEADERS = [
    "Host: ", "Host: [", "Host: b", "Content-Type: a;charset=\xff", "Content-Type: application/cbor", "X: a\x00b",
    "Content-Encoding: gzip", "Expect: more", "Connection: close", "Sec-WebSocket-Key1: 1", _CHUNKED, "X: a\r\n b",
    "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "Content-Length: 0", "Content-Length: 5",
    "Content-Length: -1", "Content-Length: 99999999999", "Content-Length: 18446744073709551615", ": empty",
    "no colon", "X-Long: " + "x" * 40_000, "Origin: null", "Transfer-Encoding: \x0bchunked", "Content-Length : 1",
]  # fmt: skip
_BODIES = [
    b"", suspended("fuzz"), b'{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"fuzz"},"spec":{}}', b"{}",
    b"{", b"[" * 2_000, b"a: &a [*a]", b"\xff\xfe\x00", b"--- \n---\n", b'{"propagationPolicy":"Orphan"}',
    b'{"dryRun":["All"]}', b"kind: Job\nkind: Job", b"x" * 100_000,
]  # fmt: skip
_BROKEN_CHUNKS = [
    b"zz\r\n",
    b"5\r\nab",
    b"-1\r\n",
    b"ffffffffffffffffff\r\n",
    b"1;" + b"e" * 9_000 + b"\r\n",
    b"0\r\nX",
]
_ODD_VERSIONS = ["HTTP/1.0", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "http/1.1", ""]
# One in sixty-four, and neither of the ends, which Hypothesis likes too well.
_ODD = 7


def _seldom(draw: st.DrawFn, odd: list[str], usual: list[str]) -> str:
    """Draw what is odd so seldom that most requests have no more than one oddity."""
    return draw(st.sampled_from(odd if draw(st.integers(0, 63)) == _ODD else usual))


def _target(draw: st.DrawFn) -> str:
    path = _seldom(draw, _ODD_PATHS, _PATHS)
    namespace = draw(st.sampled_from(["default", "default", "default", *_SEGMENTS]))
    path = path.format(namespace, _seldom(draw, _ODD_SEGMENTS, ["fuzz", "fuzz", *_SEGMENTS]))
    parameters = (
        draw(st.lists(st.tuples(st.sampled_from(_NAMES), st.sampled_from(_VALUES)), max_size=2))
        if draw(st.booleans())
        else []
    )
    return path + ("?" + "&".join(f"{name}={value}" for name, value in parameters) if parameters else "")


def _body(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Draw the headers that frame a body, and what comes after the head; sometimes they do not go together."""
    body = draw(st.one_of(st.sampled_from(_BODIES), st.binary(max_size=50)))
    match _seldom(draw, ["broken chunks", "unframed"], ["none", "length", "length", "chunked"]):
        case "none":
            return [], b""
        case "length":
            return [f"Content-Length: {len(body)}"], body
        case "chunked":
            return [_CHUNKED], (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        case "broken chunks":
            return [_CHUNKED], b"1\r\nx\r\n" + draw(st.sampled_from(_BROKEN_CHUNKS))
    return [], body


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    match draw(st.integers(0, 31)):
        case 7:
            return draw(st.binary(min_size=1, max_size=100))
        case 11 | 12:
            return _torn(draw, _bent(draw))
    return _bent(draw)


def _bent(draw: st.DrawFn) -> bytes:
    """Draw a request that has the shape of one, as far as its parts allow."""
    headers, body = _body(draw)
    headers += draw(st.lists(st.sampled_from(_HEADERS), max_size=3))
    headers.append(_seldom(draw, _ODD_HEADERS, ["X: y"]))
    headers.append(_seldom(draw, ["No: host"], ["Host: 127.0.0.1"]))
    line = f"{_seldom(draw, _ODD_METHODS, _METHODS)} {_target(draw)} {_seldom(draw, _ODD_VERSIONS, ['HTTP/1.1'])}"
    return "\r\n".join([line, *headers]).encode() + b"\r\n\r\n" + body


def _torn(draw: st.DrawFn, request: bytes) -> bytes:
    """Replace a piece of a request by something else."""
    start = draw(st.integers(0, len(request)))
    end = draw(st.integers(start, min(len(request), start + 20)))
    return request[:start] + draw(st.binary(max_size=20)) + request[end:]


def connections() -> st.SearchStrategy[list[bytes]]:
    """Return what is sent on one connection: some requests at once, of which most are nearly valid."""
    return st.lists(_requests(), min_size=1, max_size=5)
