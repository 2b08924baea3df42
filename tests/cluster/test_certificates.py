"""The certificates stand up to the strictest verification that Python has."""

import socket
import ssl
import threading
from pathlib import Path
from typing import cast

import pytest

from .certificates import Authority, KeyPair, signing_keys


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "kubernetes.default.svc"])
def test_both_sides_pass_strict_verification(authority: Authority, host: str) -> None:
    subject = _handshake(authority, authority.serving("serving"), authority.client("jane", ["dev", "ops"]), host)

    assert subject == [("organizationName", "dev"), ("organizationName", "ops"), ("commonName", "jane")]


def test_a_client_certificate_cannot_serve(authority: Authority) -> None:
    jane = authority.client("jane")

    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(authority, jane, jane, "127.0.0.1")


def test_private_keys_are_readable_by_their_owner_only(tmp_path: Path, authority: Authority) -> None:
    pairs = [authority.serving("serving"), authority.client("jane"), signing_keys(tmp_path)]

    assert [pair.key.stat().st_mode & 0o777 for pair in pairs] == [0o600] * 3


def _handshake(authority: Authority, server: KeyPair, client: KeyPair, host: str) -> list[tuple[str, str]]:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
    serving.verify_mode = ssl.CERT_REQUIRED
    serving.verify_flags |= ssl.VERIFY_X509_STRICT
    serving.load_cert_chain(server.certificate, server.key)
    asking = ssl.create_default_context(cafile=str(authority.ca_file))
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    asking.load_cert_chain(client.certificate, client.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        subjects: list[list[tuple[str, str]]] = []
        thread = threading.Thread(target=_serve_once, args=(listener, serving, subjects))
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname()) as plain,
                asking.wrap_socket(plain, server_hostname=host) as secure,
            ):
                secure.recv(1)
        finally:
            thread.join()
    return subjects[0]


def _serve_once(listener: socket.socket, serving: ssl.SSLContext, subjects: list[list[tuple[str, str]]]) -> None:
    plain, _ = listener.accept()
    try:
        with serving.wrap_socket(plain, server_side=True) as secure:
            peer = secure.getpeercert() or {}
            subjects.append([pair for (pair,) in cast("tuple[tuple[tuple[str, str]], ...]", peer["subject"])])
            secure.send(b".")
    except ssl.SSLError:
        pass  # the client refused; it is its error that counts
    finally:
        plain.close()
