"""An upstream that speaks TLS, as an apiserver does."""

import asyncio
import ssl
from pathlib import Path
from typing import Self

from tests.cluster.certificates import KeyPair
from tests.upstream import Answer, Upstream


class TlsUpstream(Upstream):
    """An Upstream that speaks TLS, and tells the names that its callers asked for."""

    def __init__(self, answer: Answer, pair: KeyPair, client_ca: Path | None = None) -> None:
        super().__init__(answer)
        self.names: list[str | None] = []
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(pair.certificate, pair.key)
        self.tls.sni_callback = lambda _, name, __: self.names.append(name)
        if client_ca is not None:
            self.tls.load_verify_locations(client_ca)
            self.tls.verify_mode = ssl.CERT_REQUIRED

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        return self

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"
