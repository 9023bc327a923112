"""Documents come back from both databases as they were written."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import insert, select

from bellrock.domain.checks import Check
from bellrock.domain.specs import CheckType, HttpRequest, UrlMonitor
from bellrock.store.accounts import insert_account
from bellrock.store.checks import StoredCheck, insert_check, load_checks
from bellrock.store.database import Database
from bellrock.store.tables import outbox
from tests.contract.databases import cluster, database, database_url

__all__ = ["cluster", "database", "database_url"]

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
    account_id, check_id = uuid4(), uuid4()
    spec = UrlMonitor(HttpRequest(text))
    check = Check(
        id=check_id,
        account_id=account_id,
        type=CheckType.URL,
        name="Shop",
        spec=spec,
        created_at=AT,
        locations=("eu-central-1",),
    )
    async with database.write() as connection:
        await insert_account(connection, account_id, name="Shop", at=AT)
        await insert_check(connection, StoredCheck(check, None))
        first = await load_checks(connection, [check_id])
        again = await load_checks(connection, [check_id])
    assert first[check_id].check == again[check_id].check == check


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
async def test_a_plain_value_is_read_as_it_was_written(database: Database, text: str) -> None:
    row = {"id": uuid4(), "kind": "signal", "tries": 0, "due_at": AT, "created_at": AT}
    body = {"text": text, "number": 1.5, "list": [1, None, True]}
    async with database.write() as connection:
        await connection.execute(insert(outbox), row | {"body": body})
        assert await connection.scalar(select(outbox.c.body)) == body
