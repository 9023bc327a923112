"""Variables of the account: saved, read, changed, deleted; what is secret or locked; who may."""

import pytest

from bellrock.services.variables import list_variables
from tests.support.api_client import Api
from tests.support.roles import with_role

PLAIN = {"key": "URL", "value": "https://shop.example", "locked": False, "secret": False}
SECRET = {"key": "PASSWORD", "value": "s3cret-pw", "locked": False, "secret": True}


async def test_a_variable_is_read_as_it_was_saved_and_gone_when_deleted(api: Api) -> None:
    assert await api.post("/v1/variables", PLAIN) == PLAIN
    assert await api.get("/v1/variables/URL") == PLAIN
    assert await api.get("/v1/variables") == [PLAIN]
    changed = await api.put("/v1/variables/URL", {"value": "https://other.example", "locked": True})
    assert changed == {**PLAIN, "value": "https://other.example", "locked": True}
    assert await api.get("/v1/variables/URL") == changed
    await api.delete("/v1/variables/URL")
    for method, path in (("get", "/v1/variables/URL"), ("delete", "/v1/variables/URL")):
        await getattr(api, method)(path, status=404)
    await api.put("/v1/variables/URL", {"value": "x"}, status=404)


async def test_a_variable_is_neither_locked_nor_secret_unless_said(api: Api) -> None:
    made = await api.post("/v1/variables", {"key": "A", "value": ""})
    assert (made["locked"], made["secret"], made["value"]) == (False, False, "")


async def test_a_key_that_is_taken_is_409_and_the_value_stays(api: Api) -> None:
    await api.post("/v1/variables", PLAIN)
    error = await api.post("/v1/variables", {**PLAIN, "value": "x"}, status=409)
    assert "key" in error["message"]
    assert await api.get("/v1/variables/URL") == PLAIN


async def test_the_value_of_a_secret_is_never_said_and_it_stays_secret(api: Api) -> None:
    answers = [await api.post("/v1/variables", SECRET)]
    change = {"value": "n3w-s3cret", "secret": False}
    answers.append(await api.put("/v1/variables/PASSWORD", change))
    assert [answer["value"] for answer in answers] == ["", ""]
    read = await api.get("/v1/variables/PASSWORD")
    assert (read["value"], read["secret"]) == (None, True)
    assert await api.get("/v1/variables") == [read]


async def test_the_value_of_a_locked_variable_is_said_to_writers_only(api: Api) -> None:
    await api.post("/v1/variables", {**PLAIN, "locked": True})
    for role, value in {"READ_ONLY": None, "READ_RUN": None, "READ_WRITE": PLAIN["value"]}.items():
        async with with_role(api, role) as caller:
            assert (await caller.get("/v1/variables/URL"))["value"] == value
            assert [each["value"] for each in await caller.get("/v1/variables")] == [value]


async def test_variables_are_listed_by_key_in_pages(api: Api) -> None:
    for key in ("C", "A", "B"):
        await api.post("/v1/variables", {"key": key, "value": key.lower()})
    first = await api.get("/v1/variables", params={"limit": 2})
    second = await api.get("/v1/variables", params={"limit": 2, "page": 2})
    assert [[each["key"] for each in page] for page in (first, second)] == [["A", "B"], ["C"]]
    for wrong in ({"limit": 0}, {"limit": 101}, {"page": 0}):
        error = await api.get("/v1/variables", params=wrong, status=400)
        assert next(iter(wrong)) in error["message"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"key": ""}, "key"),
        ({"key": None}, "key"),
        ({"key": "A=B"}, "key"),
        ({"key": "A/B"}, "key"),
        ({"key": "x" * 201}, "key"),
        ({"value": None}, "value"),
        ({"value": "a\x00b"}, "value"),
        ({"secret": "perhaps"}, "secret"),
    ],
)
async def test_a_variable_that_cannot_be_saved_is_400_and_the_message_names_the_field(
    api: Api, fields: dict[str, object], word: str
) -> None:
    error = await api.post("/v1/variables", {**PLAIN, **fields}, status=400)
    assert word in error["message"]
    assert await api.get("/v1/variables") == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "value"),
        ({"value": ""}, "value"),
        ({"value": "x", "key": "B"}, "key"),
        ({"value": "x", "a": 1}, "a"),
    ],
)
async def test_a_change_that_cannot_be_made_is_400(api: Api, body: dict[str, object], word: str) -> None:
    await api.post("/v1/variables", PLAIN)
    error = await api.put("/v1/variables/URL", body, status=400)
    assert word in error["message"]
    assert await api.get("/v1/variables/URL") == PLAIN


@pytest.mark.parametrize(("role", "may"), [("READ_ONLY", False), ("READ_RUN", False), ("READ_WRITE", True)])
async def test_variables_are_changed_by_writers_and_seen_by_all(api: Api, role: str, may: bool) -> None:
    await api.post("/v1/variables", PLAIN)
    async with with_role(api, role) as caller:
        assert (await caller.get("/v1/variables/URL"))["value"] == PLAIN["value"]
        await caller.post("/v1/variables", {"key": "B", "value": "b"}, status=201 if may else 403)
        await caller.put("/v1/variables/URL", {"value": "b"}, status=200 if may else 403)
        await caller.delete("/v1/variables/URL", status=204 if may else 403)


async def test_variables_of_another_account_do_not_exist(api: Api, stranger: Api) -> None:
    await api.post("/v1/variables", PLAIN)
    assert await stranger.get("/v1/variables") == []
    await stranger.get("/v1/variables/URL", status=404)
    await stranger.put("/v1/variables/URL", {"value": "x"}, status=404)
    await stranger.delete("/v1/variables/URL", status=404)
    await stranger.post("/v1/variables", {**PLAIN, "value": "theirs"})
    assert await api.get("/v1/variables/URL") == PLAIN


async def test_no_value_lies_in_the_database_in_clear(api: Api) -> None:
    for body in (PLAIN, SECRET):
        await api.post("/v1/variables", {**body, "value": f"clear-{body['key']}"})
    principal = await api.server.principal_of(api.account)
    assert len(await api.server.call(lambda platform: list_variables(platform, principal))) == 2
    files = list(api.server.folder.glob("bellrock.sqlite*"))
    assert files
    assert not [file for file in files if b"clear-" in file.read_bytes()]
