"""Requests that are wrong: each is answered in the one body, names the field, and harms nobody."""

import gzip
import hashlib
import json
import tarfile
from collections.abc import AsyncIterator

import httpx2
import pytest

from bellrock.api.not_built import not_built_routes
from tests.support.api_client import EU, Api, bundle, unknown_id

LIMIT = 10 * 1024**2
TRIGGER = "/v1/test-sessions/trigger"


async def test_an_unknown_path_is_404_in_the_one_body(api: Api, nobody: Api) -> None:
    for caller, path in ((api, "/v1/no-such-thing"), (api, "/v9/checks"), (nobody, "/no-such-thing")):
        error = await caller.get(path, status=404)
        assert set(error) == {"statusCode", "error", "message"}
        assert path in error["message"]


async def test_a_method_that_is_not_allowed_is_405_and_says_which_are(api: Api) -> None:
    answer = await api.request("PATCH", "/v1/checks")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert "PATCH" in answer.json()["message"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "JSON"),
        ('{"name": "x", "runLocation": "eu-central-1",}', "JSON"),
        ("", "body"),
        ("[]", "object"),
        ('"text"', "object"),
        ("null", "body"),
        ("\x00\x01", "JSON"),
        ("[" * 100_000, ""),
        ('{"name": "\\ud800", "runLocation": "eu-central-1"}', "name"),
        ('{"name": "a\\u0000b", "runLocation": "eu-central-1"}', "name"),
        ('{"name": 7, "runLocation": "eu-central-1"}', "name"),
        ('{"name": "x", "runLocation": "eu-central-1", "refreshCache": "perhaps"}', "refreshCache"),
        ('{"name": "x", "runLocation": "eu-central-1", "target": {"checkId": ["x"]}}', "target.checkId[0]"),
        ('{"name": "x", "runLocation": "eu-central-1", "target": {"matchTags": ["a"]}}', "matchTags"),
    ],
)
async def test_a_body_that_does_not_fit_is_400_and_the_message_names_the_first_problem(
    api: Api, content: str, word: str
) -> None:
    headers = {"Content-Type": "application/json"}
    error = await api.post(TRIGGER, status=400, content=content, headers=headers)
    assert word in error["message"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
async def test_a_json_body_under_another_content_type_is_400_and_says_which_is_wanted(
    api: Api, content_type: str
) -> None:
    body = json.dumps({"name": "x", "runLocation": EU})
    error = await api.post(TRIGGER, status=400, content=body, headers={"Content-Type": content_type})
    assert "application/json" in error["message"]


async def test_a_body_over_the_limit_is_413_with_the_limit_in_bytes(api: Api) -> None:
    body = json.dumps({"name": "x" * (LIMIT + 1), "runLocation": EU})
    headers = {"Content-Type": "application/json"}
    error = await api.post(TRIGGER, status=413, content=body, headers=headers)
    assert error["message"].endswith(f"maximum allowed: {LIMIT}")


async def test_a_small_gzip_body_that_unpacks_to_a_huge_one_is_413(api: Api) -> None:
    bomb = gzip.compress(b'{"name": "' + b"x" * (LIMIT * 4))
    assert len(bomb) < LIMIT / 100
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    await api.post(TRIGGER, status=413, content=bomb, headers=headers)


@pytest.mark.parametrize(
    ("content", "encoding", "status"),
    [
        (b'{"name": "x"}', "gzip", 400),
        (gzip.compress(b'{"name": "x"}')[:-6], "gzip", 400),
        (b'{"name": "x"}', "br", 415),
    ],
    ids=["not gzip", "cut off", "another encoding"],
)
async def test_a_body_that_is_not_encoded_as_it_says_is_refused(
    api: Api, content: bytes, encoding: str, status: int
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    await api.post(TRIGGER, status=status, content=content, headers=headers)


async def test_a_bundle_over_the_limit_is_413_with_the_limit_in_bytes(api: Api) -> None:
    limit = api.server.platform.settings.max_bundle_bytes
    chunk = gzip.compress(b"")[:3] + b"\0" * (1024**2 - 3)
    upload = "/next/checkly-storage/upload-code-bundle"
    headers = {"Content-Type": "application/octet-stream"}
    for announced in (True, False):

        async def content() -> AsyncIterator[bytes]:
            for _ in range(limit // len(chunk) + 2):
                yield chunk

        length = {"Content-Length": str((limit // len(chunk) + 2) * len(chunk))} if announced else {}
        error = await api.post(upload, status=413, content=content(), headers={**headers, **length})
        assert f"maximum allowed: {limit}" in error["message"]


async def test_a_body_that_is_no_text_is_400_and_says_what_is_needed(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    error = await api.post("/v1/variables", status=400, content=b'{"key": "\xff"}', headers=headers)
    assert error["message"] == "The body cannot be read: it has to be JSON, in UTF-8."


@pytest.mark.parametrize("content", [b"", b"not a bundle", b"PK\x03\x04"])
async def test_a_bundle_that_is_no_gzip_file_is_400(api: Api, content: bytes) -> None:
    upload = "/next/checkly-storage/upload-code-bundle"
    await api.post(upload, status=400, content=content)


@pytest.mark.parametrize(
    ("name", "kind", "to", "rule"),
    [
        ("../evil", tarfile.REGTYPE, "", "'..' is not allowed"),
        ("/etc/evil", tarfile.REGTYPE, "", "absolute paths are not allowed"),
        ("out", tarfile.SYMTYPE, "../../etc", "out of the bundle"),
        ("disk", tarfile.BLKTYPE, "", "only files, folders and links are allowed"),
    ],
)
async def test_a_bundle_that_is_not_safe_to_unpack_is_400_by_name_and_rule_and_not_kept(
    api: Api, name: str, kind: bytes, to: str, rule: str
) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    content = gzip.compress(info.tobuf() + bytes(2 * tarfile.BLOCKSIZE))
    error = await api.post("/next/checkly-storage/upload-code-bundle", status=400, content=content)
    assert name in error["message"]
    assert rule in error["message"]
    key = f"{hashlib.sha256(content).hexdigest()}.tar.gz"
    body = {"name": "Shop", "codeBundlePath": key, "locations": [EU]}
    await api.post("/v1/checks/playwright", body, status=400)
    kept = [path for path in (api.server.folder / "artifacts").rglob("*") if path.is_file()]
    assert not [path for path in kept if path.read_bytes() == content]


async def test_the_answer_to_an_upload_closes_the_connection(api: Api) -> None:
    upload = "/next/checkly-storage/upload-code-bundle"
    answer = await api.request("POST", upload, content=bundle())
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/check-sessions/{id}",
        "/v2/check-sessions/{id}",
        "/v1/check-sessions/{id}/completion",
        "/v1/check-sessions/{id}/events",
        "/v1/test-sessions/{id}",
        "/v1/test-sessions/{id}/events",
        "/v1/test-sessions/{id}/results/{id}",
        "/v1/test-sessions/{id}/results/{id}/assets",
        "/v1/check-results/{id}",
        "/v2/check-results/{id}",
        "/v1/check-results/{id}/{id}",
        "/v1/checks/{id}",
        "/v2/checks/{id}",
        "/v1/artifacts/{id}/a.log",
        "/next/accounts/{id}",
        "/v1/projects/shop/deployments/{id}",
    ],
)
async def test_an_id_that_is_no_uuid_is_400_and_one_that_names_nothing_is_404(api: Api, path: str) -> None:
    for wrong in ("7", "not-a-uuid", "0" * 33, "%F0%9F%A6%88"):
        await api.get(path.format(id=wrong), status=400)
    await api.get(path.format(id=unknown_id()), status=404)


@pytest.mark.parametrize(("path", "methods"), not_built_routes())
async def test_what_is_not_built_says_so_with_501_and_to_nobody_without_a_key(
    api: Api, nobody: Api, path: str, methods: tuple[str, ...]
) -> None:
    named = path.replace("{kind}", "api-checks")
    concrete = "/".join(unknown_id() if part.startswith("{") else part for part in named.split("/"))
    for method in methods:
        answer = await api.request(method, concrete)
        assert answer.status_code == 501, (method, concrete, answer.text)
        assert answer.json()["errorCode"] == "NOT_BUILT"
        if "badges" not in path:
            assert (await nobody.request(method, concrete)).status_code == 401


async def test_an_unexpected_fault_is_500_in_the_one_body_with_an_id_of_the_log(api: Api) -> None:
    await api.upload_bundle()
    artifacts = api.server.folder / "artifacts" / "bundles"
    moved = artifacts.rename(artifacts.with_name("moved"))
    artifacts.write_text("a file where the store expects a folder")
    try:
        answer = await api.request(
            "POST", "/next/checkly-storage/upload-code-bundle", content=bundle("a new one")
        )
    finally:
        artifacts.unlink()
        moved.rename(artifacts)
    assert answer.status_code == 500
    assert answer.json()["errorCode"] == "UNEXPECTED"
    assert str(artifacts) not in answer.text


async def test_a_client_that_hangs_up_in_its_body_harms_nobody(api: Api) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b'{"name": "'
        raise ConnectionAbortedError

    with pytest.raises((ConnectionAbortedError, httpx2.TransportError)):
        await api.http.post(TRIGGER, content=half(), headers={"Content-Type": "application/json"})
    await api.get("/v1/checks")
