"""What makes a call another one than the call that is known."""

import pytest

from service.access.caller import ANYONE
from service.api import known_calls
from service.api.known_calls import KnownCall, KnownCalls

TARGET = "/a?b=c"
HOST = (b"Host", b"localhost")
READ = KnownCall("get", ANYONE, (), "default", "one", TARGET, {}, "/up", "")


def learnt(*headers: tuple[bytes, bytes]) -> KnownCalls:
    known = KnownCalls()
    known.learn("GET", TARGET, (HOST, *headers), READ)
    return known


def test_the_same_target_and_the_same_headers_are_the_same_read() -> None:
    known = learnt((b"Accept", b"*/*"), (b"Authorization", b"Bearer a"))
    for host, accept, authorization in (
        (b"Host", b"Accept", b"Authorization"),
        (b"HOST", b"accept", b"authorization"),
    ):
        headers = (host, b"localhost"), (accept, b"*/*"), (authorization, b"Bearer a")
        assert known.find("GET", TARGET, headers) is READ
    assert (
        known.find("GET", "/a", ((b"Host", b"localhost"), (b"Accept", b"*/*"), (b"Authorization", b"Bearer a")))
        is None
    )


@pytest.mark.parametrize(
    "name",
    ["Connection", "User-Agent", "X-Request-Id", "traceparent", "X-Forwarded-For", "Cache-Control", "Referer"],
)
def test_a_header_that_decides_nothing_makes_no_difference(name: str) -> None:
    known = learnt((name.encode(), b"first"))
    for headers in ((HOST,), (HOST, (name.encode(), b"second")), ((name.lower().encode(), b"\xff"), HOST)):
        assert known.find("GET", TARGET, headers) is READ


@pytest.mark.parametrize(
    "name",
    [
        *("Content-Length", "Transfer-Encoding", "Content-Encoding", "Expect", "Upgrade", "If-None-Match", "Range"),
        *("Impersonate-User", "Impersonate-Group", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Cookie"),
        *("Idempotency-Key", "Last-Event-ID", "Proxy-Authorization", "X-Remote-User", "never-heard-of"),
    ],
)
def test_a_header_that_may_decide_something_makes_a_read_that_is_never_known(name: str) -> None:
    odd = (name.encode(), b"value")
    assert learnt(odd).find("GET", TARGET, (HOST, odd)) is None
    known = learnt()
    assert known.find("GET", TARGET, (HOST, odd)) is None
    known.forget("GET", TARGET, (HOST, odd))
    assert known.find("GET", TARGET, (HOST,)) is READ


@pytest.mark.parametrize(
    "others",
    [
        (),
        ((b"Host", b"localhost2"),),
        (HOST, HOST),
        (HOST, (b"Accept", b"text/plain")),
        (HOST, (b"Accept-Encoding", b"*/*")),
        (HOST, (b"Accept", b"*/*"), (b"Accept", b"*/*")),
        (HOST, (b"Accept", b"*/*"), (b"Authorization", b"Bearer b")),
        (HOST, (b"Accept", b"*/*"), (b"Authorization", b"Bearer a"), (b"Authorization", b"Bearer a")),
        (HOST, (b"Accept", b"*/*"), (b"Authorization", b"bearer a")),
    ],
)
def test_another_header_or_one_more_of_a_kind_is_another_read(others: tuple[tuple[bytes, bytes], ...]) -> None:
    assert learnt((b"Accept", b"*/*"), (b"Authorization", b"Bearer a")).find("GET", TARGET, others) is None


def test_no_token_is_kept() -> None:
    known = learnt((b"Authorization", b"Bearer s3cr3t"))
    (key,) = known._calls
    assert "s3cr3t" not in repr(key)
    assert known.find("GET", TARGET, (HOST, (b"Authorization", b"Bearer s3cr3t"))) is READ


def test_what_is_forgotten_is_known_no_more() -> None:
    known = learnt()
    known.forget("GET", TARGET, (HOST,))
    known.forget("GET", TARGET, (HOST,))
    assert known.find("GET", TARGET, (HOST,)) is None


def test_as_many_are_known_as_may_be_and_the_one_not_asked_for_longest_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_calls, "_MOST_CALLS", 2)
    known = KnownCalls()
    for target in ("/a", "/b"):
        known.learn("GET", target, (HOST,), READ)
    assert known.find("GET", "/a", (HOST,)) is READ
    known.learn("GET", "/c", (HOST,), READ)
    assert [known.find("GET", target, (HOST,)) is READ for target in ("/a", "/b", "/c")] == [True, False, True]


@pytest.mark.parametrize(
    ("target", "header"),
    [
        (f"{TARGET}#{'x' * 100_000}", HOST),
        (TARGET, (b"Accept", b"a/b," * 7_000)),
        (TARGET, (b"Host", b"h" * 30_000)),
    ],
    ids=["target", "Accept", "Host"],
)
def test_what_would_take_much_to_keep_is_not_kept(target: str, header: tuple[bytes, bytes]) -> None:
    known = KnownCalls()
    known.learn("GET", target, (header,), READ)
    assert known.find("GET", target, (header,)) is None
    assert not known._calls


def test_a_token_may_be_as_long_as_it_likes() -> None:
    assert learnt((b"Authorization", b"Bearer " + b"a" * 30_000))._calls


def test_the_method_makes_another_call_and_only_get_and_post_are_known() -> None:
    known = learnt()
    assert known.find("POST", TARGET, (HOST,)) is None
    for method in ("HEAD", "DELETE", "PUT", "get"):
        known.learn(method, TARGET, (HOST,), READ)
        assert known.find(method, TARGET, (HOST,)) is None


def test_of_a_post_the_length_of_its_body_makes_no_difference_but_its_type_does() -> None:
    known = KnownCalls()
    yaml = (b"Content-Type", b"application/yaml")
    known.learn("POST", TARGET, (HOST, yaml, (b"Content-Length", b"7")), READ)
    assert known.find("POST", TARGET, (HOST, yaml, (b"Content-Length", b"8"))) is READ
    assert known.find("POST", TARGET, (HOST, (b"Content-Length", b"7"))) is None
    for odd in ((b"Transfer-Encoding", b"chunked"), (b"Expect", b"100-continue"), (b"Idempotency-Key", b"k")):
        assert known.find("POST", TARGET, (HOST, yaml, odd)) is None
