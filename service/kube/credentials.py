"""Who the service is to the apiserver: credentials, and when they are read again."""

import asyncio
import logging
import math
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

logger = logging.getLogger(__name__)

# The pause after a reading that failed, or that a 401 asked for: an exec plugin is a process each time.
RETRY_SECONDS = 1.0
# A plugin may ask its identity provider over the network.
READING_DEADLINE_SECONDS = 30.0


class CredentialsError(Exception):
    """No credentials can be had; the text is for people, on one line, and quotes nothing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a connection to the apiserver needs.

    Attributes:
        server: the apiserver's URL without a trailing slash.
        authorization: the Authorization header, or None when a client certificate or nothing speaks for us.
        ssl_context: trust and client certificate; False for plain http.
        trust_context: the same without our certificate; the very same where there is none.
        server_hostname: the name that the serving certificate must carry, where it is not the URL's.
        proxy: the proxy to go through, from the kubeconfig's proxy-url; the environment's are never used.
        fresh_until: time.monotonic() after which they are to be read again.
    """

    server: str
    authorization: str | None = field(repr=False)
    ssl_context: ssl.SSLContext | bool
    trust_context: ssl.SSLContext | bool
    server_hostname: str | None = None
    proxy: str | None = field(default=None, repr=False)
    fresh_until: float = field(compare=False)

    def speaking_for(self, authorization: str) -> "Credentials":
        """Return what a caller's own token needs: nothing of ours, whose certificate would win over the token."""
        return replace(self, authorization=authorization, ssl_context=self.trust_context)


def anonymous(server: str) -> "CredentialSource":
    """Return a source for an apiserver that asks for no credentials, such as the sandbox, at an http URL."""

    async def read() -> Credentials:
        return Credentials(
            server=server, authorization=None, ssl_context=False, trust_context=False, fresh_until=math.inf
        )

    return CredentialSource(read, server)


class CredentialSource:
    """Hands out the current credentials and reads them again in time.

    Args:
        read: reads them once, from wherever they come; raises CredentialsError, and nothing else.
        origin: where that is, for people.

    Attributes:
        reads: how often they were read.
        failed_reads: how often they could not be.
    """

    def __init__(self, read: Callable[[], Awaitable[Credentials]], origin: str) -> None:
        self.origin = origin
        self.reads = 0
        self.failed_reads = 0
        self._read = read
        self._current: Credentials | None = None
        self._not_before = 0.0
        self._reading: asyncio.Task[Credentials | CredentialsError] | None = None
        self._overdue_at = 0.0

    async def current(self) -> Credentials:
        """Return credentials that were read not too long ago.

        When they cannot be read again, the ones at hand are used on: the apiserver decides whether they hold.

        Raises:
            CredentialsError: there are none at hand either.
        """
        if self._current is not None and time.monotonic() < self._current.fresh_until:
            return self._current
        return await self._reread(self._current)

    async def renewed(self, refused: Credentials) -> Credentials:
        """Return credentials read after the apiserver answered 401 to `refused`.

        They equal `refused` when there is nothing newer, or when the last reading was a moment ago.
        """
        return await self._reread(refused)

    async def close(self) -> None:
        """Give up a reading that is still under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait((self._reading,))

    async def _reread(self, known: Credentials | None) -> Credentials:
        current = self._current
        if current is not None and current is not known:
            return current
        if self._reading is None:
            if current is not None and time.monotonic() < self._not_before:
                return current
            self._not_before = time.monotonic() + RETRY_SECONDS
            self._overdue_at = time.monotonic() + READING_DEADLINE_SECONDS
            self._reading = asyncio.create_task(self._read_anew())
        return await self._outcome(self._reading, current)

    async def _outcome(
        self, reading: asyncio.Task[Credentials | CredentialsError], current: Credentials | None
    ) -> Credentials:
        """Wait for a reading without ending it: others may wait for it too.

        One that is overdue is waited for no longer, but not ended either: a plugin that hangs is then there
        once, and not once more for each time that it is asked.
        """
        await asyncio.wait((reading,), timeout=max(0.0, self._overdue_at - time.monotonic()))
        if reading.done():
            outcome = reading.result()
        elif current is None:
            outcome = self._unreadable(_no_answer())
        else:
            outcome = current
        if isinstance(outcome, CredentialsError):
            raise outcome
        return outcome

    async def _read_anew(self) -> Credentials | CredentialsError:
        """Read once; what fails is returned, for a task's exception that nobody fetches is logged whole."""
        loop = asyncio.get_running_loop()
        overdue = loop.call_later(READING_DEADLINE_SECONDS, self._tell_failure, _no_answer())
        try:
            self._current = await self._read()
            self.reads += 1
        except CredentialsError as error:
            self.failed_reads += 1
            if self._current is None:
                return self._unreadable(error)
            self._tell_failure(error)
        finally:
            overdue.cancel()
            self._reading = None
        return self._current

    def _unreadable(self, error: CredentialsError) -> CredentialsError:
        return CredentialsError(f"the credentials of {self.origin} cannot be read: {error}")

    def _tell_failure(self, error: CredentialsError) -> None:
        if self._current is None:
            return  # the first reading: the CredentialsError says so
        logger.warning("credentials of %s could not be read again: %s", self.origin, error)


def _no_answer() -> CredentialsError:
    return CredentialsError(f"no answer within {READING_DEADLINE_SECONDS:g} s")
