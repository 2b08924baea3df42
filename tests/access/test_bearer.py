"""Which headers hold a bearer token, and what a token says of its own end. RFC 6750 and RFC 7519."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from service.access.bearer import digest, expiry_of, token_of
from service.errors import BadRequest, Unauthorized

NEVER = float("inf")
TOKEN_CHARACTERS = [chr(code) for code in range(0x21, 0x7F)]
SECRET = "eyJhbGciOi.secret~+/-_.token=="


def headers(*values: str, **others: str) -> CIMultiDictProxy[str]:
    given = [*(("Authorization", value) for value in values), *((name, others[name]) for name in others)]
    return CIMultiDictProxy(CIMultiDict(given))


def jwt(claims: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    "value", [f"Bearer {SECRET}", f"bearer {SECRET}", f"BEARER   {SECRET}", f" \tBearer {SECRET}\t "]
)
def test_one_bearer_token_is_taken_as_it_is(value: str) -> None:
    assert token_of(headers(value)) == SECRET


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        (f"Bearer{SECRET}",),
        (f"Bearer\t{SECRET}",),
        (f"Bearer {SECRET} {SECRET}",),
        (f"Bearer {SECRET}, Bearer {SECRET}",),
        (f"Basic {SECRET}",),
        (f"Negotiate Bearer {SECRET}",),
        (SECRET,),
        (f"Bearer {SECRET}", f"Bearer {SECRET}"),
        (f"Bearer {SECRET}", "Basic x"),
        (f"Bearer {SECRET}\0",),
        (f"Bearer {SECRET}\r\nX: y",),
        (f"Bearer {SECRET}\n",),
        (f"\x1fBearer {SECRET}",),
        (f"Bearer {SECRET}\x7f",),
        (f"Bearer {SECRET}\u00a0",),
        (f"Bearer é{SECRET}",),
        (f"Bearer \udce9{SECRET}",),
    ],
)
def test_anything_else_is_401_and_is_not_repeated(values: tuple[str, ...]) -> None:
    with pytest.raises(Unauthorized) as refused:
        token_of(headers(*values))
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("name", ["Impersonate-User", "impersonate-group", "IMPERSONATE-EXTRA-scopes"])
@pytest.mark.parametrize("values", [(), (f"Bearer {SECRET}",)])
def test_to_act_as_somebody_else_is_400(name: str, values: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest, match="Impersonate- headers are not passed on"):
        token_of(headers(*values, **{name: "admin"}))


def test_a_digest_tells_tokens_apart_and_nothing_of_them() -> None:
    tokens = [each.encode() for each in (SECRET, SECRET + "=", SECRET.upper(), "x" * 100_000)]
    assert len({digest(token) for token in tokens}) == len(tokens)
    assert digest(SECRET.encode()) == digest(SECRET.encode())
    for token in tokens:
        assert token.decode() not in digest(token)
        assert len(digest(token)) == 48


@pytest.mark.parametrize(
    ("claims", "end"),
    [
        (b'{"exp":1700000000}', 1_700_000_000.0),
        (b'{"iss":"x","exp":1700000000.5,"aud":["y"]}', 1_700_000_000.5),
        (b'{"exp":-1}', -1.0),
        (b'{"exp":18446744073709551616}', 2.0**64),
        (b'{"exp":1e999}', NEVER),
        (b'{"exp":' + b"9" * 400 + b"}", NEVER),
        (b'{"exp":"1700000000"}', NEVER),
        (b'{"exp":null}', NEVER),
        (b'{"exp":true}', NEVER),
        (b'{"exp":NaN}', NEVER),
        (b"{}", NEVER),
        (b"[1]", NEVER),
        (b"", NEVER),
        (b'{"exp":1}x', NEVER),
        (b'{"exp":\xff}', NEVER),
        (b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b',"exp":1}', NEVER),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_token_ends_when_its_claim_says_so_and_else_never(claims: bytes, end: float) -> None:
    assert expiry_of(jwt(claims)) == end


@pytest.mark.parametrize("token", ["opaque", "a.b", "a.b.c", "..", "e30.*.x", "a.é.c", f"{jwt(b'{}')}.five.parts"])
def test_what_is_no_jwt_says_nothing_of_its_end(token: str) -> None:
    assert expiry_of(token) == NEVER


@given(
    st.text(TOKEN_CHARACTERS) | st.binary().map(jwt) | st.floats().map(lambda number: jwt(b'{"exp":%r}' % number))
)
def test_no_token_is_beyond_reading(token: str) -> None:
    assert isinstance(expiry_of(token), float)
