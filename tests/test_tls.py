"""HTTPS: which certificates can be served with, and what becomes of callers when one takes another's place."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from yarl import URL

from service import serving_certificate
from service.api import keys
from service.server import running
from service.serving_certificate import CertificateError
from service.setting_values import Address
from service.settings import default_settings
from tests.callers import Caller, raw_exchange
from tests.cluster.certificates import Authority, KeyPair
from tests.contract.manifests import suspended
from tests.contract.paths import jobs
from tests.upstream import write_kubeconfig
from tests.waiting import WATCHDOG_SECONDS, eventually, eventually_true

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_certificate, "_LOOK_SECONDS", 0.01)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "authority").mkdir()
    return Authority(tmp_path / "authority")


class Secret:
    """A Secret as a kubelet mounts it: links to links, of which one is exchanged when it changes."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self._versions = 0
        self._key = directory / "tls.key"
        self.files = {"tls_cert_file": str(directory / "tls.crt"), "tls_private_key_file": str(self._key)}
        (directory / "tls.crt").symlink_to("..data/tls.crt")
        self.return_key()

    def lose_key(self) -> None:
        self._key.unlink()

    def return_key(self) -> None:
        self._key.symlink_to("..data/tls.key")

    def put(self, certificate: Path, key: Path) -> None:
        self._versions += 1
        version = self._directory / f"..{self._versions}"
        version.mkdir()
        (version / "tls.crt").write_bytes(certificate.read_bytes())
        (version / "tls.key").write_bytes(key.read_bytes())
        link = self._directory / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(self._directory / "..data")


@dataclass(frozen=True, slots=True)
class Https:
    """A service with a certificate, and the callers who trust it."""

    app: web.Application
    url: str
    trust: ssl.SSLContext

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        port = URL(self.url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=self.trust)
        try:
            yield reader, writer
        finally:
            writer.close()
            await writer.wait_closed()

    async def shown(self) -> str:
        """Return the name of the certificate that a new connection is shown."""
        async with self.connection() as (_, writer):
            return str(dict(each[0] for each in writer.get_extra_info("peercert")["subject"])["commonName"])

    def reads(self, result: str) -> float | None:
        return self.app[keys.METRICS].registry.get_sample_value("job_api_tls_reads_total", {"result": result})


@asynccontextmanager
async def https(authority: Authority, files: dict[str, str], **settings: Any) -> AsyncIterator[Https]:
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    given = {"listen": Address("127.0.0.1", 0), "sandbox": True, **files, **settings}
    async with running(default_settings(**given)) as (app, url):
        assert url.startswith("https://127.0.0.1:")
        yield Https(app, url, trust)


@pytest.fixture
def secret(tmp_path: Path, authority: Authority) -> Secret:
    mounted, pair = Secret(tmp_path / "secret"), authority.serving("first")
    mounted.put(pair.certificate, pair.key)
    return mounted


async def test_probes_calls_and_streams_go_over_https(
    authority: Authority, secret: Secret, http_client: aiohttp.ClientSession
) -> None:
    async with https(authority, secret.files) as service:
        api = Caller(http_client, service.url, {}, service.trust)
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await api("GET", path)).status == 200
        assert (await api("POST", jobs("default"), suspended("one"))).status == 201
        url = f"{service.url}{jobs('default')}?watch=true"
        async with http_client.get(url, ssl=service.trust) as watching:
            assert (await watching.content.readline()).startswith(b'{"type":"ADDED"')
        trust = ssl.create_default_context(cafile=str(authority.ca_file))
        trust.set_alpn_protocols(["h2", "http/1.1"])
        async with Https(service.app, service.url, trust).connection() as (_, writer):
            spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
            assert (spoken.version(), spoken.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")


async def test_a_certificate_that_is_replaced_fails_no_request_and_new_connections_are_shown_the_new_one(
    authority: Authority, secret: Secret, http_client: aiohttp.ClientSession
) -> None:
    async with https(authority, secret.files) as service, service.connection() as (reader, writer):
        over, answered = asyncio.Event(), 0

        async def call(headers: dict[str, str]) -> None:
            nonlocal answered
            api = Caller(http_client, service.url, headers, service.trust)
            while not over.is_set():
                assert (await api("GET", "/livez")).status == 200
                answered += 1

        async with asyncio.TaskGroup() as callers:
            for headers in ({}, {"Connection": "close"}):
                callers.create_task(call(headers))
            for name in ("second", "third"):
                pair = authority.serving(name)
                secret.put(pair.certificate, pair.key)
                await eventually_true(lambda name=name: is_shown(service, name))  # type: ignore[misc]
            known = answered
            await eventually(lambda: answered > known + 10)
            over.set()
        writer.write(LIVEZ)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        assert service.reads("failure") == 0


async def test_a_request_that_has_arrived_when_the_service_ends_is_answered(
    authority: Authority, secret: Secret
) -> None:
    async with AsyncExitStack() as callers:
        async with https(authority, secret.files) as service:
            reader, writer = await callers.enter_async_context(service.connection())
            writer.write(LIVEZ)
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200 ")
            writer.write(LIVEZ)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")


async def is_shown(service: Https, name: str) -> bool:
    return await service.shown() == name


async def test_a_pair_that_cannot_be_used_is_told_and_the_old_one_is_shown_on(
    authority: Authority, secret: Secret, caplog: pytest.LogCaptureFixture
) -> None:
    def told(what: str) -> bool:
        return any(what in record.getMessage() for record in caplog.records if record.levelname == "ERROR")

    async with https(authority, secret.files) as service:
        other, another = authority.serving("other"), authority.serving("another")
        secret.put(other.certificate, another.key)
        await eventually(lambda: told("is not the key of the certificate"))
        assert await service.shown() == "first"
        secret.lose_key()
        await eventually(lambda: told("cannot be read: No such file or directory"))
        assert await service.shown() == "first"
        secret.return_key()
        secret.put(other.certificate, other.key)
        await eventually_true(lambda: is_shown(service, "other"))
        assert service.reads("success") in {1, 2}  # what changes while it is read is read once more
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == service.reads("failure")
    assert "-----" not in caplog.text


# Which files are given in place of a pair's, and what is told of it.
WRONG: dict[str, tuple[Callable[[KeyPair], tuple[Path, Path]], str]] = {
    "missing": (lambda pair: (pair.certificate, Path("is-not-there")), "is-not-there cannot be read: No such file"),
    "a folder": (lambda pair: (pair.certificate.parent, pair.key), "cannot be read: Is a directory"),
    "no PEM": (lambda pair: (Path(__file__), pair.key), "no certificate and no unencrypted key"),
    "swapped": (lambda pair: (pair.key, pair.certificate), "no certificate and no unencrypted key"),
    "another's key": (lambda pair: (pair.certificate, pair.key.with_name("other.key")), "is not the key of"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_files_that_cannot_be_served_with_end_the_start_in_one_line(
    tmp_path: Path, authority: Authority, what: str
) -> None:
    authority.serving("other")
    choose, told = WRONG[what]
    certificate, key = choose(authority.serving("first"))
    kubeconfig = write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1")
    files = {"tls_cert_file": str(certificate), "tls_private_key_file": str(key)}
    with pytest.raises(CertificateError) as refused:
        async with https(authority, files, sandbox=False, kubeconfig=kubeconfig):
            pass
    assert told in str(refused.value)
    assert str(refused.value).startswith("--tls-")
    assert "\n" not in str(refused.value)


async def test_a_key_with_a_password_ends_the_start_and_asks_nobody(authority: Authority) -> None:
    pair = authority.serving("first")
    lock(pair.key)
    files = {"tls_cert_file": str(pair.certificate), "tls_private_key_file": str(pair.key)}
    with pytest.raises(CertificateError, match="no unencrypted key"):
        async with https(authority, files):
            pass


def lock(file: Path) -> None:
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    locked = BestAvailableEncryption(b"s3cr3t")
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))


async def test_who_does_not_speak_tls_is_hung_up_on(authority: Authority, secret: Secret) -> None:
    async with https(authority, secret.files, head_seconds=0.1) as service:
        assert await raw_exchange(service.url, b"", WATCHDOG_SECONDS) == b""
        assert b"HTTP" not in await raw_exchange(service.url, LIVEZ, WATCHDOG_SECONDS)
        assert await service.shown() == "first"
