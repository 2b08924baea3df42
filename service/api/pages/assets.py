"""The files that pages are made of: which there are, and how each is answered."""

import asyncio
import functools
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from aiohttp import web

from service.api.accept import takes_gzip
from service.api.streaming import answer_with

# Nothing but what is served here, and no script or style that is in a page itself or in an answer. A page fills a
# tab of its own: others neither frame it nor hold on to it.
SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)
_OWN_FOLDER = Path(__file__).parent / "files"
_TYPES = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent.

    Attributes:
        media_type: its Content-Type.
        plain: its bytes.
        zipped: the same, compressed with gzip.
        tag: a digest of it.
    """

    media_type: str
    plain: bytes
    zipped: bytes
    tag: str


async def own(name: str) -> Asset:
    """Return a file of ours, by its name; nobody outside chooses it."""
    return await asyncio.to_thread(_read, _OWN_FOLDER / name)


async def swagger_ui(name: str) -> Asset:
    """Return a file of Swagger UI, by its name; nobody outside chooses it."""
    return await asyncio.to_thread(_read, _swagger_ui_folder() / name)


async def answer(request: web.Request, asset: Asset) -> web.StreamResponse:
    """Answer with a file, or with 304 to who has it; that is to be asked each time, for it may change."""
    zipped = takes_gzip(request)
    # Strong tags tell codings apart (RFC 9110, section 8.8.3.3).
    tag = f"{asset.tag}-gzip" if zipped else asset.tag
    headers = {
        **SECURITY_HEADERS,
        "ETag": f'"{tag}"',
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }
    if any(each.value in {tag, "*"} for each in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = asset.media_type
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return await answer_with(request, asset.zipped if zipped else asset.plain, headers)


@functools.cache
def _read(path: Path) -> Asset:
    """Read a file once, and compress it once: Swagger UI is 1.6 MB, and 0.45 MB then."""
    plain = path.read_bytes()
    zipped = gzip.compress(plain, compresslevel=6, mtime=0)
    return Asset(_TYPES[path.suffix], plain, zipped, sha256(plain).hexdigest()[:32])


@functools.cache
def _swagger_ui_folder() -> Path:
    """Return where the installed library has its files; none of its Python is run for that."""
    found = find_spec("swagger_ui")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("swagger-ui-py is not installed")
    return Path(found.origin).parent / "static"
