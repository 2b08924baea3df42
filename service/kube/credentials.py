"""How the service shows the apiserver who it is: read through kubernetes-asyncio, read again as they rotate.

kubernetes-asyncio reads each source well but only once: a token file is looked at each minute if one asks it
to, a CA never again, an exec plugin's token only by its own loop. So nothing of it is kept: each reading makes a
new Configuration, and `CredentialSource` decides when to read.
"""

import asyncio
import errno
import hashlib
import logging
import os
import re
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import yaml
from kubernetes_asyncio import config as kubernetes_config
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import kube_config
from kubernetes_asyncio.config.config_exception import ConfigException
from kubernetes_asyncio.config.incluster_config import SERVICE_HOST_ENV_NAME

logger = logging.getLogger(__name__)
# It logs the whole stderr of a plugin before it raises; what may be told is told here.
logging.getLogger("kubernetes_asyncio").setLevel(logging.CRITICAL)
_SAFE_TEXT = re.compile(r"Expected key [\w-]+|Expected object with name \S+|exec: process returned \d+|^Service .*")

# A projected token is rotated long before it expires; the kubelet's own period of looking is about a minute.
REREAD_SECONDS = 60.0
# The pause after a reading that failed, or that a 401 asked for: an exec plugin is a process each time.
RETRY_SECONDS = 1.0
# A plugin may ask its identity provider over the network.
READING_DEADLINE_SECONDS = 30.0
# How long before its end an exec plugin's token is asked for anew.
EXPIRY_MARGIN_SECONDS = 60.0


class CredentialsError(Exception):
    """No credentials can be had; the text is one line that says where they were looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a connection to the apiserver needs.

    Attributes:
        server: the apiserver's URL without a trailing slash.
        authorization: the Authorization header, or None when a client certificate or nothing speaks for us.
        ssl_context: trust and client certificate; False for plain http.
        server_hostname: the name that the serving certificate must carry, where it is not the URL's.
        proxy: the proxy to go through, from the kubeconfig's proxy-url; the environment's are never used.
        fresh_until: time.monotonic() after which they are to be read again.
    """

    server: str
    authorization: str | None = field(repr=False)
    ssl_context: ssl.SSLContext | bool
    server_hostname: str | None = None
    proxy: str | None = field(default=None, repr=False)
    fresh_until: float = field(compare=False)


class _TlsContexts:
    """Keeps the latest context: a pool's connections belong to one, so equal files must give the same object."""

    def __init__(self) -> None:
        self._digest = b""
        self._latest: ssl.SSLContext | None = None

    def context_of(self, configuration: Configuration) -> ssl.SSLContext:
        digest = hashlib.sha256(repr(configuration.verify_ssl).encode())
        for file in (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file):
            digest.update(b"\0" + (Path(file).read_bytes() if file else b""))
        if self._latest is None or digest.digest() != self._digest:
            self._digest, self._latest = digest.digest(), _new_ssl_context(configuration)
        return self._latest


class CredentialSource:
    """Hands out the current credentials and reads them again in time.

    Args:
        read: reads them once, from wherever they come.
        origin: where that is, for people.
    """

    def __init__(self, read: Callable[[], Awaitable[Credentials]], origin: str) -> None:
        self.origin = origin
        self._read = read
        self._current: Credentials | None = None
        self._not_before = 0.0
        self._reading = asyncio.Lock()

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

    async def _reread(self, known: Credentials | None) -> Credentials:
        async with self._reading:
            current = self._current
            if current is not None and (current is not known or time.monotonic() < self._not_before):
                return current
            self._not_before = time.monotonic() + RETRY_SECONDS
            try:
                async with asyncio.timeout(READING_DEADLINE_SECONDS):
                    read = await self._read()
            except Exception as error:
                # Whatever a plugin, a file or a parser raises; its text may quote a secret, so it is not told.
                if current is None:
                    raise CredentialsError(
                        f"the credentials of {self.origin} cannot be read: {_told(error)}"
                    ) from error
                logger.warning("credentials of %s could not be read again: %s", self.origin, _told(error))
                return current
            self._current = read
            return read


def credential_source(kubeconfig: str | None, context: str | None) -> CredentialSource:
    """Choose where the credentials come from.

    `--kubeconfig` (or KUBECONFIG) wins, then the pod's service account, then ~/.kube/config.

    Raises:
        CredentialsError: none of them is there.
    """
    chosen = kubeconfig or os.environ.get("KUBECONFIG")
    home = Path.home() / ".kube" / "config"
    if not chosen and not os.environ.get(SERVICE_HOST_ENV_NAME):
        if not home.is_file():
            raise CredentialsError(
                "no cluster to speak to: give --kubeconfig, set KUBECONFIG, run in a pod with a service account, "
                "or have a ~/.kube/config"
            )
        chosen = str(home)
    contexts = _TlsContexts()
    if chosen:
        return CredentialSource(partial(_read_kubeconfig, chosen, context, contexts), f"kubeconfig {chosen}")
    return CredentialSource(partial(_read_service_account, contexts), "the pod's service account")


async def _read_service_account(contexts: _TlsContexts) -> Credentials:
    configuration = Configuration()
    kubernetes_config.load_incluster_config(client_configuration=configuration, try_refresh_token=False)
    return _credentials(configuration, contexts, time.monotonic() + REREAD_SECONDS)


async def _read_kubeconfig(files: str, context: str | None, contexts: _TlsContexts) -> Credentials:
    _check_that_one_exists(files)
    configuration = Configuration()
    with tempfile.TemporaryDirectory(prefix="job-api-") as private:
        try:
            loader = await kubernetes_config.load_kube_config(
                config_file=files,
                context=context,
                client_configuration=configuration,
                persist_config=False,
                temp_file_path=private,
            )
            return _credentials(configuration, contexts, _fresh_until(loader))
        finally:
            # The library writes inline keys to files and remembers them until the process ends, so that a
            # second reading would look for files that are gone with this directory.
            kube_config._cleanup_temp_files()


def _check_that_one_exists(files: str) -> None:
    """The library only warns, and then fails on something else."""
    if not any(Path(each).expanduser().is_file() for each in files.split(os.pathsep) if each):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _fresh_until(loader: kube_config.KubeConfigLoader) -> float:
    """A plugin's token lives as long as it says, or until a 401: running it is the user's cost.

    See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.
    """
    now = time.monotonic()
    user = loader._user  # how the credentials were made is told nowhere else
    if user is None or "exec" not in user:
        return now + REREAD_SECONDS
    expiry: datetime | None = getattr(loader, "exec_plugin_expiry", None)
    if expiry is None:
        return float("inf")
    return now + max(RETRY_SECONDS, expiry.timestamp() - time.time() - EXPIRY_MARGIN_SECONDS)


def _credentials(configuration: Configuration, contexts: _TlsContexts, fresh_until: float) -> Credentials:
    authorization = configuration.api_key.get("BearerToken")
    server: str = configuration.host.rstrip("/")
    return Credentials(
        server=server,
        authorization=authorization.strip() if authorization else None,
        ssl_context=contexts.context_of(configuration) if server.startswith("https:") else False,
        server_hostname=getattr(configuration, "tls_server_name", None) or None,
        proxy=getattr(configuration, "proxy", None) or None,
        fresh_until=fresh_until,
    )


def _new_ssl_context(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    # Python 3.13 began to ask of a CA what Go's clients do not, and what EKS' lacks (an authority key
    # identifier). The chain and the host name are checked all the same.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context


def _told(error: Exception) -> str:
    """Say what went wrong without quoting: the library's texts may hold a whole user entry, token included."""
    if isinstance(error, TimeoutError):
        return f"no answer within {READING_DEADLINE_SECONDS:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, yaml.YAMLError):
        return "it is not YAML"
    if isinstance(error, ConfigException) and (safe := _SAFE_TEXT.search(str(error))):
        return safe.group()
    return type(error).__name__
