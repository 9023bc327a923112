"""Snippets: saved, read, changed, listed, deleted; who may."""

import pytest

from tests.support.api_client import EU, Api
from tests.support.roles import with_role

LOGIN = {"name": "Log in", "script": "await page.goto(process.env.URL)"}
NOWHERE = 2_147_483_647


async def test_a_snippet_is_read_as_it_was_saved_and_gone_when_deleted(api: Api) -> None:
    made = await api.post("/v1/snippets", LOGIN)
    path = f"/v1/snippets/{made['id']}"
    assert isinstance(made["id"], int)
    assert {field: made[field] for field in LOGIN} == LOGIN
    assert made["updated_at"] is None
    assert await api.get(path) == made
    changed = await api.put(path, {"name": "Sign in", "script": "// nothing"})
    assert (changed["name"], changed["script"], changed["id"]) == ("Sign in", "// nothing", made["id"])
    assert changed["updated_at"] is not None
    assert await api.get("/v1/snippets") == [changed]
    await api.delete(path)
    await api.get(path, status=404)
    await api.delete(path, status=404)
    await api.put(path, LOGIN, status=404)


async def test_the_id_of_a_deleted_snippet_is_not_used_again(api: Api) -> None:
    gone = await api.post("/v1/snippets", LOGIN)
    await api.delete(f"/v1/snippets/{gone['id']}")
    assert (await api.post("/v1/snippets", LOGIN))["id"] > gone["id"]


async def test_snippets_are_listed_in_pages_in_the_order_they_were_made(api: Api) -> None:
    for name in ("B", "A", "C"):
        await api.post("/v1/snippets", {**LOGIN, "name": name})
    first = await api.get("/v1/snippets", params={"limit": 2})
    second = await api.get("/v1/snippets", params={"limit": 2, "page": 2})
    assert [[each["name"] for each in page] for page in (first, second)] == [["B", "A"], ["C"]]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": None}, "name"),
        ({"script": ""}, "script"),
        ({"script": "\n"}, "script"),
        ({"script": 7}, "script"),
    ],
)
async def test_a_snippet_that_cannot_be_saved_is_400_and_the_message_names_the_field(
    api: Api, fields: dict[str, object], word: str
) -> None:
    made = await api.post("/v1/snippets", LOGIN)
    for error in (
        await api.post("/v1/snippets", {**LOGIN, **fields}, status=400),
        await api.put(f"/v1/snippets/{made['id']}", {**LOGIN, **fields}, status=400),
    ):
        assert word in error["message"]
    assert await api.get("/v1/snippets") == [made]


@pytest.mark.parametrize("wrong", ["0", "-1", "abc", "1.5", "99999999999999999999"])
async def test_an_id_that_is_no_number_is_400_and_one_that_names_nothing_is_404(api: Api, wrong: str) -> None:
    error = await api.get(f"/v1/snippets/{wrong}", status=400)
    assert "id" in error["message"]
    await api.get(f"/v1/snippets/{NOWHERE}", status=404)


async def test_an_api_check_can_name_a_snippet_of_its_account_only(api: Api, stranger: Api) -> None:
    own, foreign = await api.post("/v1/snippets", LOGIN), await stranger.post("/v1/snippets", LOGIN)
    body = {"name": "Carts", "locations": [EU], "request": {"url": "https://shop.example"}}
    for field in ("setupSnippetId", "tearDownSnippetId"):
        check = await api.post("/v1/checks/api", {**body, field: own["id"]})
        assert check[field] == own["id"]
        for wrong in (foreign["id"], NOWHERE):
            error = await api.post("/v1/checks/api", {**body, field: wrong}, status=400)
            assert field in error["message"]


@pytest.mark.parametrize(("role", "may"), [("READ_ONLY", False), ("READ_RUN", False), ("READ_WRITE", True)])
async def test_snippets_are_changed_by_writers_and_seen_by_all(api: Api, role: str, may: bool) -> None:
    made = await api.post("/v1/snippets", LOGIN)
    path = f"/v1/snippets/{made['id']}"
    async with with_role(api, role) as caller:
        assert await caller.get(path) == made
        assert await caller.get("/v1/snippets") == [made]
        await caller.post("/v1/snippets", LOGIN, status=201 if may else 403)
        await caller.put(path, LOGIN, status=200 if may else 403)
        await caller.delete(path, status=204 if may else 403)


async def test_snippets_of_another_account_do_not_exist(api: Api, stranger: Api) -> None:
    made = await api.post("/v1/snippets", LOGIN)
    path = f"/v1/snippets/{made['id']}"
    assert await stranger.get("/v1/snippets") == []
    await stranger.get(path, status=404)
    await stranger.put(path, {"name": "Mine now", "script": "x"}, status=404)
    await stranger.delete(path, status=404)
    assert await api.get(path) == made
