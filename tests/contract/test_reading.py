"""What is read of many results, on both databases: statuses, figures, errors."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.check_status import StatusWord
from bellrock.domain.checks import Check
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.spans import Span
from bellrock.domain.specs import CheckType, HttpRequest, UrlMonitor
from bellrock.services.check_statuses import statuses_of
from bellrock.services.check_summaries import summarized
from bellrock.store.accounts import insert_account
from bellrock.store.analytics import count_alike, samples
from bellrock.store.check_statuses import newest_findings
from bellrock.store.checks import StoredCheck, insert_check
from bellrock.store.database import Database
from bellrock.store.error_groups import Archived, archive, archived_groups, seen_errors, take_back
from tests.support.api_client import EU, US
from tests.support.history import PASSED, Past, PastCheck, write_past

NOW = datetime.now(UTC)
LONG_AGO = Span(NOW - timedelta(days=30), NOW + timedelta(days=1))
DOWN = Outcome(Verdict.FAILED, Blame.TARGET, "DOWN", "It is down.")
DETAILS = {"response": {"timingPhases": {"dns": 1.5}, "status": 200, "note": "12"}}


async def with_checks(database: Database, *names: str) -> list[PastCheck]:
    """Checks of a new account."""
    account_id = uuid4()
    async with database.write() as connection:
        await insert_account(connection, account_id, name="a", at=NOW)
        spec = UrlMonitor(HttpRequest("https://shop.example"))
        made = [PastCheck(account_id, uuid4(), name=name) for name in names]
        for each in made:
            check = Check(each.id, account_id, CheckType.URL, each.name, spec, NOW)
            await insert_check(connection, StoredCheck(check, None))
    return made


async def test_a_status_is_folded_over_the_locations_of_the_newest_session(database: Database) -> None:
    one, other, never = await with_checks(database, "one", "other", "never")
    before, now, places = uuid4(), uuid4(), (EU, US)
    async with database.write() as connection:
        pasts = [
            Past(DOWN, location=US, session=before, session_locations=places),
            Past(
                PASSED,
                timedelta(0),
                session=now,
                session_locations=places,
                session_is_open=True,
                details=DETAILS,
            ),
        ]
        await write_past(connection, one, pasts)
        await write_past(connection, other, [Past(PASSED)])
    async with database.read() as connection:
        found = await statuses_of(connection, one.account_id)
        named = await statuses_of(connection, one.account_id, [other.id, never.id])
    assert [(each.name, each.word) for each in found] == [
        ("one", StatusWord.FAILING),
        ("other", StatusWord.PASSING),
    ]
    assert [each.location for each in found[0].findings] == [EU, US]
    assert named == found[1:]


async def test_results_are_counted_and_read_one_by_one(database: Database) -> None:
    (check,) = await with_checks(database, "one")
    pasts = [Past(PASSED, details=DETAILS), Past(PASSED, details=DETAILS), Past(DOWN)]
    async with database.write() as connection:
        await write_past(connection, check, pasts)
    async with database.read() as connection:
        counted = await count_alike(connection, [check.id], LONG_AGO)
        summaries = await summarized(connection, {check.id: CheckType.URL}, LONG_AGO)
        places = [("response", "timingPhases", "dns"), ("response", "status"), ("response", "no", "such")]
        read = [
            each
            async for each in samples(connection, check.id, LONG_AGO, verdicts=list(Verdict), places=places)
        ]
    assert sorted((each.verdict, each.number) for each in counted) == [("FAILED", 1), ("PASSED", 2)]
    assert (summaries[check.id].successes, summaries[check.id].total) == (2, 3)
    assert sum(summaries[check.id].times_ms.values()) == 3
    told = [tuple(each.details.values()) for each in read]
    assert sorted(told, key=str) == [(1.5, 200, None), (1.5, 200, None), (None, None, None)]


async def test_samples_of_several_chunks_come_each_once_and_newest_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bellrock.store.analytics._A_CHUNK", 2)
    (check,) = await with_checks(database, "one")
    async with database.write() as connection:
        same_moment = NOW - timedelta(minutes=9)
        await write_past(connection, check, [Past(at=same_moment) for _ in range(4)] + [Past(), Past()])
    async with database.read() as connection:
        read = [
            each async for each in samples(connection, check.id, LONG_AGO, verdicts=list(Verdict), places=[])
        ]
    assert len({each.id for each in read}) == 6
    keys = [(each.created_at, each.id) for each in read]
    assert keys == sorted(keys, reverse=True)


async def test_errors_are_put_together_word_by_word_and_groups_are_put_away(database: Database) -> None:
    one, other = await with_checks(database, "one", "other")
    async with database.write() as connection:
        await write_past(connection, one, [Past(DOWN, timedelta(minutes=each)) for each in (9, 1)])
        await write_past(connection, other, [Past(PASSED), Past(DOWN, result_type="ATTEMPT")])
    async with database.read() as connection:
        (seen,) = await seen_errors(connection, one.account_id)
        assert await seen_errors(connection, one.account_id, one.id) == [seen]
        assert await seen_errors(connection, uuid4()) == []
    assert (seen.errors, seen.last_at - seen.first_at) == (("It is down.",), timedelta(minutes=8))
    async with database.write() as connection:
        for for_ever in (False, True):
            await archive(connection, one.id, "hash", Archived(NOW, for_ever=for_ever))
        assert await archived_groups(connection, one.account_id) == {
            (one.id, "hash"): Archived(NOW, for_ever=True)
        }
        await take_back(connection, one.id, "hash")
        assert await archived_groups(connection, one.account_id) == {}


Read = Callable[[AsyncConnection, UUID], Awaitable[object]]


@pytest.mark.parametrize("read", [newest_findings, seen_errors], ids=["statuses", "errors"])
async def test_no_question_about_an_account_reads_all_results(database: Database, read: Read) -> None:
    """Each goes by an index of the account's checks to the results of those: in SQLite's own words."""
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL plans by what the tables hold, and here they hold next to nothing")
    said: list[tuple[str, object]] = []
    engine = database._readers.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *of: said.append((of[2], of[3])))
    async with database.read() as connection:
        await read(connection, uuid4())
        statement, parameters = said[-1]
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        steps = [str(row[-1]) for row in plan]
    index = "failing_of_check" if read is seen_errors else "check_id_created_at"
    assert any(f"results USING INDEX ix_results_{index}" in step for step in steps), steps
    assert not any(step.startswith("SCAN") for step in steps), steps
