"""Documents come back from both databases as they were written."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from bellrock.domain.checks import Check
from bellrock.domain.specs import CheckType, HttpRequest, UrlMonitor
from bellrock.store.accounts import insert_account
from bellrock.store.checks import StoredCheck, delete_checks, insert_check, load_checks, update_check
from bellrock.store.database import Database
from bellrock.store.new_rows import NewRows
from bellrock.store.tables import outbox

AT = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = {
    "plain": "https://shop.test/",
    "not ASCII": "https://shop.test/ü?☃=𝄞",
    "half of a character": "https://shop.test/\ud834",
    "longer than what is remembered": "x" * 5_000,
    "escaped": 'https://shop.test/"\\\n\t',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
async def test_a_document_is_read_as_it_was_written(database: Database, text: str) -> None:
    check = a_check(text)
    async with database.write() as connection:
        await insert_account(connection, check.account_id, name="Shop", at=AT)
        await insert_check(connection, StoredCheck(check, None))
        first = await load_checks(connection, [check.id])
        again = await load_checks(connection, [check.id])
    assert first[check.id].check == again[check.id].check == check


async def test_a_check_that_was_read_before_is_read_as_it_is_now(database: Database) -> None:
    check = a_check("https://shop.test/")
    renamed = replace(check, name="Shop front", tags=("shop",))
    async with database.write() as connection:
        await insert_account(connection, check.account_id, name="Shop", at=AT)
        await insert_check(connection, StoredCheck(check, None))
        await load_checks(connection, [check.id])
        await update_check(connection, StoredCheck(renamed, "sealed"))
        assert await load_checks(connection, [check.id]) == {check.id: StoredCheck(renamed, "sealed")}
        await delete_checks(connection, [check.id])
        assert await load_checks(connection, [check.id]) == {}


async def test_new_rows_are_written_whatever_the_order_of_their_names(database: Database) -> None:
    backwards = NewRows(outbox, ["created_at", "due_at", "tries", "body", "kind", "id"])
    ids = [uuid4(), uuid4()]
    async with database.write() as connection:
        await backwards.insert(connection, [(AT, AT, 0, {"number": at}, "signal", ids[at]) for at in (0, 1)])
        await backwards.insert(connection, [])
        found = await connection.execute(select(outbox.c.id, outbox.c.body, outbox.c.due_at))
    assert {row.id: (row.body, row.due_at) for row in found} == {
        ids[0]: ({"number": 0}, AT),
        ids[1]: ({"number": 1}, AT),
    }


async def test_of_new_rows_none_is_written_where_one_is_known(database: Database) -> None:
    rows = NewRows(outbox, ["id", "kind", "body", "tries", "due_at", "created_at"])
    row: tuple[object, ...] = (uuid4(), "signal", {}, 0, AT, AT)
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await rows.insert(connection, [(uuid4(), *row[1:]), row, row])
    async with database.read() as connection:
        assert (await connection.execute(select(outbox))).all() == []


def a_check(url: str) -> Check:
    return Check(
        id=uuid4(),
        account_id=uuid4(),
        type=CheckType.URL,
        name="Shop",
        spec=UrlMonitor(HttpRequest(url)),
        created_at=AT,
        locations=("eu-central-1",),
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
async def test_a_plain_value_is_read_as_it_was_written(database: Database, text: str) -> None:
    row = {"id": uuid4(), "kind": "signal", "tries": 0, "due_at": AT, "created_at": AT}
    body = {"text": text, "number": 1.5, "list": [1, None, True]}
    async with database.write() as connection:
        await connection.execute(insert(outbox), row | {"body": body})
        assert await connection.scalar(select(outbox.c.body)) == body
