"""A guest book on a free port, for as long as the tests run."""

from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest

PAGE = """<!doctype html><html lang="en"><title>Guest book</title><h1>Guest book</h1>
<form method="post"><label>Your name <input name="name"></label><button>Sign</button></form><ul>{}</ul>"""


class GuestBook(BaseHTTPRequestHandler):
    names: list[str] = []

    def do_GET(self) -> None:
        page = PAGE.format("".join(f"<li>{escape(name)}</li>" for name in self.names)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.names += form.get("name", [])
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), GuestBook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
