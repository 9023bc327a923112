"""The server that the executors' benchmark asks: it answers one short text and closes.

    python -m bench.http_target FOLDER

FOLDER has the server's chain and key (server.pem). Its first line of output names the two ports: of HTTP
and of HTTPS.
"""

import asyncio
import ssl
import sys
from pathlib import Path

_BODY = b"everything is fine\n" * 20
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: target\r\nCache-Control: no-store\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(_BODY)
) + _BODY


class _Answer(asyncio.Protocol):
    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self._transport.write(_ANSWER)
            self._transport.close()


async def serve(folder: Path) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem")
    plain = await loop.create_server(_Answer, "127.0.0.1", 0, backlog=512)
    secure = await loop.create_server(_Answer, "127.0.0.1", 0, backlog=512, ssl=tls)
    print(*(server.sockets[0].getsockname()[1] for server in (plain, secure)), flush=True)
    await asyncio.gather(plain.serve_forever(), secure.serve_forever())


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
