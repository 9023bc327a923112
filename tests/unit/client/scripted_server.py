"""A real HTTP server on loopback that answers from a script, and keeps what it was asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """``cut`` closes the connection in the middle: after the body where there is one, else at once."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Script:
    """``answer`` is called with each request and how many came before it."""

    answer: Callable[[Request, int], Answer]
    requests: list[Request] = field(default_factory=list)
    url: str = ""


@contextmanager
def scripted_server(answer: Callable[[Request, int], Answer]) -> Iterator[Script]:
    script = Script(answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            request = Request(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            number = len(script.requests)
            script.requests.append(request)
            self._write(script.answer(request, number))

        def _write(self, answer: Answer) -> None:
            self.close_connection = True
            if answer.cut and not answer.body:
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if not answer.cut:
                self.send_header("Content-Length", str(len(answer.body)))
            else:
                self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            if answer.cut:
                # a chunk that is never followed by the last one: the connection broke
                self.wfile.write(b"%x\r\n%s\r\n" % (len(answer.body), answer.body))
            else:
                self.wfile.write(answer.body)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815  # the library's names

        def log_message(self, *_: object) -> None:
            pass

        def setup(self) -> None:
            super().setup()
            self.protocol_version = "HTTP/1.1"

    return Handler
