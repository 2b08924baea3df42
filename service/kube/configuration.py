"""Reads the apiserver's address and our credentials through kubernetes-asyncio, whose only importer this is.

The library reads each source well but only once: a token file is looked at each minute if one asks it to, a CA
never again, an exec plugin's token only by its own loop. So nothing of it is kept: each reading makes a new
Configuration, and `CredentialSource` decides when to read.
"""

import errno
import hashlib
import logging
import os
import re
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml
from kubernetes_asyncio import config as kubernetes_config
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import kube_config
from kubernetes_asyncio.config.config_exception import ConfigException
from kubernetes_asyncio.config.incluster_config import SERVICE_HOST_ENV_NAME

from service.kube.credentials import Credentials, CredentialsError, CredentialSource

# It logs the whole stderr of a plugin before it raises; what may be told is told here.
logging.getLogger("kubernetes_asyncio").setLevel(logging.CRITICAL)
_SAFE_TEXT = re.compile(r"Expected key [\w-]+|Expected object with name \S+|exec: process returned \d+|^Service .*")

# A projected token is rotated long before it expires; the kubelet's own period of looking is about a minute.
REREAD_SECONDS = 60.0
# How long before its end an exec plugin's token is asked for anew.
EXPIRY_MARGIN_SECONDS = 60.0
# A plugin that gives tokens about to end is not run for each request.
_SHORTEST_LIFE_SECONDS = 1.0

_IMPERSONATION = ("as", "as-uid", "as-groups", "as-user-extra")


class _Tls(NamedTuple):
    """The contexts of connections: with our certificate, and without."""

    own: ssl.SSLContext | bool
    trust: ssl.SSLContext | bool


_PLAIN = _Tls(own=False, trust=False)


class _TlsContexts:
    """Keeps the latest contexts: a pool's connections belong to one, so equal files must give the same object."""

    def __init__(self) -> None:
        self._digest = b""
        self._latest = _PLAIN

    def contexts_of(self, configuration: Configuration) -> _Tls:
        digest = hashlib.sha256(repr(configuration.verify_ssl).encode())
        for file in (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file):
            digest.update(b"\0" + (Path(file).read_bytes() if file else b""))
        if digest.digest() != self._digest:
            trust = own = _trusting(configuration)
            if configuration.cert_file:
                own = _trusting(configuration)
                # With a password given, OpenSSL does not ask for one at the terminal: an encrypted key is refused.
                own.load_cert_chain(configuration.cert_file, configuration.key_file, password="")
            self._digest, self._latest = digest.digest(), _Tls(own, trust)
        return self._latest


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
        read = partial(_read_kubeconfig, chosen, context, contexts)
        return CredentialSource(partial(_without_quoting, read), f"kubeconfig {chosen}")
    read = partial(_read_service_account, contexts)
    return CredentialSource(partial(_without_quoting, read), "the pod's service account")


async def _without_quoting(read: Callable[[], Awaitable[Credentials]]) -> Credentials:
    try:
        return await read()
    except CredentialsError:
        raise
    except Exception as error:  # whatever a plugin, a file or a parser raises
        raise CredentialsError(_told(error)) from None


async def _read_service_account(contexts: _TlsContexts) -> Credentials:
    configuration = Configuration()
    kubernetes_config.load_incluster_config(client_configuration=configuration, try_refresh_token=False)
    return _credentials(configuration, contexts, time.monotonic() + REREAD_SECONDS)


async def _read_kubeconfig(files: str, context: str | None, contexts: _TlsContexts) -> Credentials:
    _check_that_one_exists(files)
    configuration = Configuration(host="")  # or a cluster without a server would be http://localhost
    with tempfile.TemporaryDirectory(prefix="job-api-") as private:
        loader = await kubernetes_config.load_kube_config(
            config_file=files,
            context=context,
            client_configuration=configuration,
            persist_config=False,
            temp_file_path=private,
        )
        _check_user(loader, configuration)
        return _credentials(configuration, contexts, _fresh_until(loader))


def _check_that_one_exists(files: str) -> None:
    """The library only warns, and then fails on something else."""
    if not any(Path(each).expanduser().is_file() for each in files.split(os.pathsep) if each):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _check_user(loader: kube_config.KubeConfigLoader, configuration: Configuration) -> None:
    """Refuse what the library overlooks, for the service would then act as somebody else than was meant."""
    user = loader._user  # how the credentials were made is told nowhere else
    if user is None:
        return
    if not isinstance(user, kube_config.ConfigNode) or not isinstance(user.value, dict):
        raise CredentialsError("its user entry is no mapping")
    if any(key in user for key in _IMPERSONATION):
        raise CredentialsError("its user impersonates another (as), which is not supported")
    if "exec" in user and not configuration.api_key and not configuration.cert_file:
        raise CredentialsError("its exec plugin gave neither a token nor a client certificate")


def _fresh_until(loader: kube_config.KubeConfigLoader) -> float:
    """A plugin's token lives as long as it says, or until a 401: running it is the user's cost.

    See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.
    """
    now = time.monotonic()
    if loader._user is None or "exec" not in loader._user:
        return now + REREAD_SECONDS
    expiry: datetime | None = getattr(loader, "exec_plugin_expiry", None)
    if expiry is None:
        return float("inf")
    return now + max(_SHORTEST_LIFE_SECONDS, expiry.timestamp() - time.time() - EXPIRY_MARGIN_SECONDS)


def _credentials(configuration: Configuration, contexts: _TlsContexts, fresh_until: float) -> Credentials:
    # Matched in lower case only: the library takes HTTPS:// for plain http, and gives it no CA.
    server: str = configuration.host.rstrip("/")
    if not re.match(r"https?://[^/]", server):
        raise CredentialsError("its server is no URL that begins with https:// or http://")
    proxy: str | None = getattr(configuration, "proxy", None) or None
    if proxy is not None and not re.match(r"https?://[^/]", proxy):
        raise CredentialsError("its proxy-url does not begin with http:// or https://")
    tls = contexts.contexts_of(configuration) if server.startswith("https:") else _PLAIN
    return Credentials(
        server=server,
        authorization=_authorization(configuration.api_key.get("BearerToken")),
        ssl_context=tls.own,
        trust_context=tls.trust,
        server_hostname=getattr(configuration, "tls_server_name", None) or None,
        proxy=proxy,
        fresh_until=fresh_until,
    )


def _authorization(header: str | None) -> str | None:
    """Take the white space from around a token: its file mostly ends with a line break."""
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if not token or not token.isprintable():
        raise CredentialsError("its token is empty, or holds a control character")
    return f"{scheme} {token}"


def _trusting(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    # Python 3.13 began to ask of a CA what Go's clients do not, and what EKS' lacks (an authority key
    # identifier). The chain and the host name are checked all the same.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _told(error: Exception) -> str:
    """Say what went wrong without quoting: the library's texts may hold a whole user entry, token included."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, yaml.YAMLError):
        return "it is not YAML"
    if isinstance(error, ConfigException) and (safe := _SAFE_TEXT.search(str(error))):
        return safe.group()
    return type(error).__name__


def _write_inline_key(self: kube_config.FileOrData, content: str | bytes) -> str:
    """Write a file into the directory that was given for it, which goes when the reading is over.

    The library's own never closes the file's descriptor, and remembers the file until the process ends, so that
    the next reading would look for it in vain.
    """
    name: str
    descriptor, name = tempfile.mkstemp(dir=self._temp_file_path)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return name


kube_config.FileOrData._create_temp_file_with_content = _write_inline_key
