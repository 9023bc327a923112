"""What a suite's package manager is told by the registry that stands before the real ones."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bellrock.resources import registry_installer

# Stands for a package manager: asks for each word, and prints status and body.
ASKING = """
(async () => {
  for (const path of process.argv.slice(1)) {
    const answer = await fetch(new URL(path, process.env.npm_config_registry));
    console.log(JSON.stringify({ status: answer.status, body: await answer.text() }));
  }
})();
"""
NOBODY = "http://127.0.0.1:9/"


class _Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append((self.path, self.headers.get("Authorization")))
        body = server.has.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


class Registry(ThreadingHTTPServer):
    """A registry with some answers. ``asked`` are the requests that it got, with their credentials."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Registry)
        self.asked: list[tuple[str, str | None]] = []
        self.has: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


@pytest.fixture
def registries() -> Iterator[tuple[Registry, Registry]]:
    with Registry() as first, Registry() as second:
        for registry in (first, second):
            Thread(target=registry.serve_forever, daemon=True).start()
        yield first, second
        for registry in (first, second):
            registry.shutdown()


def routed(root: Path, upstreams: dict[str, Any], packages: list[dict[str, Any]], version: int = 1) -> None:
    folder = root / ".checkly" / "config"
    folder.mkdir(parents=True)
    content = {"version": version, "upstreams": upstreams, "packages": packages}
    (folder / "registries.json").write_text(json.dumps(content))


def embedded(root: Path, file: str, manifest: dict[str, str]) -> bytes:
    folder = root / ".checkly" / "embedded-packages"
    folder.mkdir(parents=True)
    text = json.dumps(manifest).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/package.json")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    (folder / file).write_bytes(packed.getvalue())
    return packed.getvalue()


def run(root: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    argv: list[str | Path] = ["node", registry_installer(), root, "node", "-e", ASKING, *words]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=20, check=False)


def ask(root: Path, *words: str, **variables: str) -> list[dict[str, Any]]:
    done = run(root, *words, **variables)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_is_embedded_is_asked_of_nobody_else(tmp_path: Path) -> None:
    manifest = {"name": "@shop/own", "version": "1.2.3"}
    embedded(tmp_path, "@shop+own@1.2.3.tgz", manifest)
    routed(tmp_path, {"nobody": {"url": NOBODY}}, [{"pattern": "**", "upstreams": ["nobody"]}])
    about, archive = ask(tmp_path, "/@shop%2fown", "/@shop/own/-/own-1.2.3.tgz")
    version = json.loads(about["body"])["versions"]["1.2.3"]
    assert version["dist"]["integrity"].startswith("sha512-")
    assert version["dist"]["tarball"].endswith("/@shop/own/-/own-1.2.3.tgz")
    assert archive["status"] == 200


def test_a_rule_says_who_is_asked_and_only_they_get_its_token(
    tmp_path: Path, registries: tuple[Registry, Registry]
) -> None:
    private, public = registries
    dist = {"dist": {"tarball": f"{public.url}files/own.tgz"}}
    private.has["/npm/@shop%2fown"] = json.dumps({"versions": {"1.0.0": dist}}).encode()
    public.has["/files/own.tgz"] = b"archive"
    routed(
        tmp_path,
        {
            "private": {"url": f"{private.url}npm/", "auth": {"type": "bearer", "token": "${TOKEN}"}},
            "public": {"url": public.url},
        },
        [{"pattern": "@shop/*", "upstreams": ["private"]}, {"pattern": "**", "upstreams": ["public"]}],
    )
    (about,) = ask(tmp_path, "/@shop%2fown", TOKEN="secret")
    tarball = json.loads(about["body"])["versions"]["1.0.0"]["dist"]["tarball"]
    archive, other = ask(tmp_path, tarball[tarball.index("/-/") :], "/left-pad", TOKEN="secret")
    assert archive["body"] == "archive"
    assert other["status"] == 404
    assert private.asked == [("/npm/@shop%2fown", "Bearer secret")]
    assert public.asked == [("/files/own.tgz", None), ("/left-pad", None)]


def test_the_next_is_asked_for_what_the_first_lacks_and_not_where_it_does_not_answer(
    tmp_path: Path, registries: tuple[Registry, Registry]
) -> None:
    first, second = registries
    second.has["/a/-/a-1.0.0.tgz"] = b"a"
    upstreams = {"first": {"url": first.url}, "second": {"url": second.url}, "nobody": {"url": NOBODY}}
    routed(
        tmp_path,
        upstreams,
        [
            {"pattern": "a", "upstreams": ["first", "second"]},
            {"pattern": "**", "upstreams": ["nobody", "second"]},
        ],
    )
    found, unanswered = ask(tmp_path, "/a/-/a-1.0.0.tgz", "/b/-/b-1.0.0.tgz")
    assert found["body"] == "a"
    assert unanswered["status"] == 502
    assert [path for path, _ in second.asked] == ["/a/-/a-1.0.0.tgz"]


def test_without_rules_npmrc_says_who_is_asked(tmp_path: Path, registries: tuple[Registry, Registry]) -> None:
    scoped, public = registries
    (tmp_path / ".npmrc").write_text(
        f"registry={public.url}\n@shop:registry={scoped.url}npm\n"
        f"//127.0.0.1:{scoped.server_port}/npm/:_authToken=${{TOKEN}}\n"
    )
    ask(tmp_path, "/@shop%2fown", "/left-pad", TOKEN="secret")
    assert scoped.asked == [("/npm/@shop%2fown", "Bearer secret")]
    assert public.asked == [("/left-pad", None)]
    led = (tmp_path / ".npmrc").read_text()
    assert public.url not in led.partition("//127.0.0.1")[0]
    assert "_authToken=${TOKEN}" in led


def test_lock_files_lead_here(tmp_path: Path) -> None:
    places = {
        "package-lock.json": '"resolved": "https://npm.shop.example/base/@shop/own/-/own-1.2.3.tgz"',
        "yarn.lock": 'resolved "https://registry.yarnpkg.com/left-pad/-/left-pad-1.3.0.tgz#0011"',
        "pnpm-lock.yaml": "  resolution: {tarball: https://npm.shop.example/@shop%2fown/-/own-1.2.3.tgz}",
    }
    for name, text in places.items():
        (tmp_path / name).write_text(text)
    ask(tmp_path)
    for name in places:
        text = (tmp_path / name).read_text()
        assert "http://127.0.0.1:" in text
        assert "example" not in text
        assert "yarnpkg" not in text
    assert (tmp_path / "yarn.lock").read_text().endswith('/left-pad/-/left-pad-1.3.0.tgz#0011"')


def test_rules_of_an_unknown_version_and_missing_variables_end_the_install(tmp_path: Path) -> None:
    routed(tmp_path, {"one": {"url": NOBODY}}, [{"pattern": "**", "upstreams": ["one"]}], version=2)
    done = run(tmp_path)
    assert done.returncode == 1
    assert "this runner knows version 1" in done.stderr
    other = tmp_path / "other"
    upstream = {"url": NOBODY, "auth": {"type": "bearer", "token": "${TOKEN}"}}
    routed(other, {"one": upstream}, [{"pattern": "**", "upstreams": ["one"]}])
    assert "the variable TOKEN, which the check does not have" in run(other).stderr


def test_the_install_ends_as_its_program_does(tmp_path: Path) -> None:
    argv: list[str | Path] = ["node", registry_installer(), tmp_path, "sh", "-c", "exit 7"]
    assert subprocess.run(argv, timeout=20, check=False).returncode == 7


def test_stars_match_as_the_command_means_them() -> None:
    cases = [
        ("@shop/*", "@shop/own", True),
        ("@shop/*", "@shop", False),
        ("shop-*", "shop-own", True),
        ("shop-*", "shop-own/more", False),
        ("*", "@shop/own", False),
        ("**", "@shop/own", True),
        ("**/own", "own", True),
        ("**/own", "@shop/own", True),
        ("**-foo", "@shop/a-foo", True),
        ("own", "own", True),
        ("own", "owner", False),
    ]
    script = (
        f"const {{ matches }} = require({json.dumps(str(registry_installer().with_name('routes.cjs')))});"
        f"console.log(JSON.stringify({json.dumps(cases)}.map(one => matches(one[0], one[1]))))"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(done.stdout) == [expected for _, _, expected in cases]
