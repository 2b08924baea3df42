"""Bearer tokens as callers bring them: RFC 6750, section 2.1, and no other way."""

import base64
import binascii
import hashlib
import re
import secrets

import msgspec
from multidict import CIMultiDictProxy

from service.errors import BadRequest, Unauthorized

_BEARER = re.compile(r"bearer +([\x21-\x7e]+)", re.IGNORECASE)
# What may surround a header's value: RFC 9110, section 5.6.3.
_WHITE_SPACE = " \t"
_IMPERSONATION = "impersonate-"
# New with each process, so that a digest is worth nothing elsewhere.
_DIGEST_KEY = secrets.token_bytes(32)


class _Claims(msgspec.Struct):
    exp: float


def token_of(headers: CIMultiDictProxy[str]) -> str:
    """Return the bearer token of a request.

    Raises:
        Unauthorized: there is none.
        BadRequest: the caller wants to act as somebody else, which would get lost on the way.
    """
    if any(name.lower().startswith(_IMPERSONATION) for name in headers):
        raise BadRequest("Impersonate- headers are not passed on; send the token of the one who is to act")
    given = headers.getall("Authorization", [])
    if not given:
        raise Unauthorized("no credentials: send a bearer token in the header Authorization")
    match = _BEARER.fullmatch(given[0].strip(_WHITE_SPACE)) if len(given) == 1 else None
    if match is None:
        raise Unauthorized("the header Authorization is not one 'Bearer' with a token")
    return match[1]


def digest(secret: bytes) -> str:
    """Return what stands for a secret where it need not be known: in a cache, or to tell callers apart."""
    return hashlib.blake2b(secret, key=_DIGEST_KEY, digest_size=24).hexdigest()


def expiry_of(token: str) -> float:
    """Return when a token ends by its own claim (RFC 7519, section 4.1.4), as seconds since 1970.

    The claim is not verified: it only shortens how long an answer of the apiserver is remembered. Of a token that
    says nothing, or is no JWT, it is never.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return float("inf")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(payload, type=_Claims).exp
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):  # nested a thousand deep
        return float("inf")
