"""The certificate that callers are shown over TLS, read again when its files change."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import structlog

from service.metrics import Metrics
from service.settings import Settings

_log = structlog.stdlib.get_logger(__name__)

# A kubelet takes a minute or so to bring a changed Secret; to look at two files takes next to nothing.
_LOOK_SECONDS = 10.0


class CertificateError(Exception):
    """The certificate cannot be used; the text is one line, and quotes nothing of its files."""


@asynccontextmanager
async def tls_context(settings: Settings, metrics: Metrics) -> AsyncIterator[ssl.SSLContext | None]:
    """Read the certificate, and again whenever its files change, for as long as the context.

    Args:
        settings: name the files.
        metrics: count the readings.

    Yields:
        What a listening socket takes; None where there is no certificate, and callers are served without TLS.

    Raises:
        CertificateError: the files cannot be read, or do not belong together.
    """
    if settings.tls_cert_file is None or settings.tls_private_key_file is None:
        yield None
        return
    certificate = _ServingCertificate(settings.tls_cert_file, settings.tls_private_key_file, metrics)
    keeping = asyncio.create_task(certificate.keep_current())
    try:
        yield certificate.context
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


class _LatestContext(ssl.SSLContext):
    """Gives each new connection the latest context whole, and leaves the others with theirs.

    To load another pair into a context that is in use would leave it without a key if the two do not match.
    """

    latest: ssl.SSLContext

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """Begin TLS with a caller; asyncio asks for nothing else."""
        return self.latest.wrap_bio(*arguments, **named)


class _ServingCertificate:
    """A certificate with its key, in two PEM files."""

    def __init__(self, certificate: str, key: str, metrics: Metrics) -> None:
        self._certificate = certificate
        self._key = key
        self._metrics = metrics
        self._seen = self._state()
        self.context = _LatestContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.latest = self._read()

    async def keep_current(self) -> NoReturn:
        """Take over what changes until cancelled; what cannot be used is told once, and the old one shown on."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            state = await asyncio.to_thread(self._state)
            if state == self._seen:
                continue
            # From before the reading: what changes meanwhile is then read once more.
            self._seen = state
            try:
                self.context.latest = await asyncio.to_thread(self._read)
            except CertificateError as error:
                self._metrics.tls_read("failure")
                _log.error("the new certificate cannot be used; the old one is shown on", reason=str(error))
            except Exception:
                # Nobody else would look at the files again.
                _log.exception("a bug: a certificate was not read")
            else:
                self._metrics.tls_read("success")
                _log.info("a new certificate is shown to new connections", file=self._certificate)

    def _state(self) -> tuple[object, ...]:
        """Return what differs once a file, or where a link to it leads, is another."""
        return (_state_of(self._certificate), _state_of(self._key))

    def _read(self) -> ssl.SSLContext:
        for flag, path in (("--tls-cert-file", self._certificate), ("--tls-private-key-file", self._key)):
            try:
                Path(path).read_bytes()
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else "it is no file"
                raise CertificateError(f"{flag}: {path} cannot be read: {reason}") from None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        try:
            # A password, or OpenSSL would ask the terminal for that of an encrypted key.
            context.load_cert_chain(self._certificate, self._key, password="")
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise CertificateError(self._wrong(error)) from None
        return context

    def _wrong(self, error: Exception) -> str:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            return f"--tls-private-key-file: {self._key} is not the key of the certificate {self._certificate}"
        return (
            f"--tls-cert-file, --tls-private-key-file: {self._certificate} and {self._key} are no certificate and "
            "no unencrypted key, both as PEM"
        )


def _state_of(path: str) -> tuple[int, ...] | None:
    with suppress(OSError):
        state = Path(path).stat()
        return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
    return None
