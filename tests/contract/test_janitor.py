"""What the janitor removes and what it leaves, on both databases and a real folder of files."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from bellrock.artifacts import keys
from bellrock.artifacts.store import folder_store
from bellrock.domain.errors import NotFound
from bellrock.domain.outcomes import Outcome
from bellrock.domain.specs import BrowserCheck, CheckType, PlaywrightSuite, Snapshot
from bellrock.services import janitor
from bellrock.services.accept_artifact import accept_artifact
from bellrock.services.bundles import store_bundle
from bellrock.services.checks import CheckDraft, create_check, delete_check
from bellrock.services.janitor import runs_to_empty, tidy
from bellrock.services.platform import ControlSettings
from bellrock.services.results import get_run, open_artifact
from bellrock.services.snapshots import store_snapshot
from bellrock.services.start_session import start_check_session
from bellrock.services.views import ResultView
from bellrock.store.artifacts import RunFiles
from bellrock.store.database import Database
from bellrock.store.tables import results, runs, sessions
from bellrock.wire.messages import Artifact
from tests.support.api_client import bundle
from tests.unit.services.world import FAILED, HERE, PASSED, START, World, chunks, world_on

DAY_S = 86_400
TRACE = b"a trace" * 100
MOST_BYTES = 3 * len(TRACE)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
async def world(database: Database, files: Path) -> AsyncIterator[World]:
    settings = ControlSettings(artifact_store_bytes=MOST_BYTES, artifact_days=30)
    async with world_on(database, settings=settings, artifacts=folder_store(files)) as made:
        yield made


async def started(world: World) -> UUID:
    """A run with a trace, which goes on."""
    check = await world.suite("shop", HERE)
    view = await start_check_session(world.platform, world.owner, check_id=check.id)
    run_id = view.runs[0].run.id
    await world.claim(run_id)
    await accept_artifact(
        world.platform,
        run_id,
        token=world.tokens[run_id],
        name="traces/trace.zip",
        content_type="application/zip",
        chunks=chunks(TRACE),
    )
    return run_id


async def finished(world: World, outcome: Outcome = PASSED) -> UUID:
    """A run with a trace, which is over."""
    run_id = await started(world)
    trace = Artifact(
        name="traces/trace.zip",
        type="trace",
        content_type="application/zip",
        size_bytes=len(TRACE),
        sha256=hashlib.sha256(TRACE).hexdigest(),
    )
    assert (await world.report(run_id, outcome, artifacts=(trace,))).accepted
    return run_id


async def result_of(world: World, run_id: UUID) -> ResultView:
    _, run = await get_run(world.platform, world.owner, run_id)
    assert run.final is not None
    return run.final


def kept(files: Path, *run_ids: UUID) -> list[bool]:
    """Whether the trace of each run is in the folder."""
    return [(files / keys.of_run(run_id, 1, "traces/trace.zip")).is_file() for run_id in run_ids]


def set_written(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


# --- files of runs ----------------------------------------------------------------------------


async def test_files_of_old_runs_go_and_their_results_say_so(world: World, files: Path) -> None:
    old = await finished(world, FAILED)
    world.clock.advance(29 * DAY_S)
    new = await finished(world)
    world.clock.advance(2 * DAY_S)
    assert await tidy(world.platform) == 1
    assert kept(files, old, new) == [False, True]
    result = await result_of(world, old)
    assert result.artifacts == ()
    assert result.files_removed_at == world.clock.now
    assert result.outcome == FAILED
    assert (await result_of(world, new)).files_removed_at is None
    with pytest.raises(NotFound):
        await open_artifact(world.platform, world.owner, old, name="traces/trace.zip")
    assert not (files / f"runs/{old}").exists()


async def test_over_the_limit_the_oldest_go_until_there_is_room(world: World, files: Path) -> None:
    made = []
    for _ in range(5):
        made.append(await finished(world))
        world.clock.advance(600)
    assert await tidy(world.platform) == 2
    assert kept(files, *made) == [False, False, True, True, True]
    assert await tidy(world.platform) == 0


async def test_files_of_a_run_that_goes_on_stay_whatever_their_age_and_size(
    world: World, files: Path
) -> None:
    going_on = [await started(world) for _ in range(5)]
    world.clock.advance(40 * DAY_S)
    assert await tidy(world.platform) == 0
    assert all(kept(files, *going_on))


async def test_files_of_a_run_that_may_still_send_evidence_stay(world: World, files: Path) -> None:
    ended = [await finished(world) for _ in range(5)]
    world.clock.advance(world.platform.settings.late_evidence_s - 1)
    assert await tidy(world.platform) == 0
    world.clock.advance(1)
    assert await tidy(world.platform) == 2
    assert kept(files, *ended).count(True) == 3


async def test_a_removal_that_was_cut_off_is_made_good_by_the_next_step(world: World, files: Path) -> None:
    run_id = await finished(world)
    world.clock.advance(31 * DAY_S)
    folder = files / f"runs/{run_id}"
    folder.rename(files / "elsewhere")
    folder.symlink_to(folder)  # a disk that gives errors
    assert await tidy(world.platform) == 0
    assert (await result_of(world, run_id)).artifacts == ()
    folder.unlink()
    (files / "elsewhere").rename(folder)
    world.clock.advance(DAY_S)
    assert await tidy(world.platform) == 1
    assert kept(files, run_id) == [False]
    assert (await result_of(world, run_id)).files_removed_at == world.clock.now - timedelta(days=1)


def run_files(*days_and_sizes: tuple[int, int]) -> Sequence[RunFiles]:
    return [
        RunFiles(UUID(int=number), START - timedelta(days=days), size)
        for number, (days, size) in enumerate(days_and_sizes)
    ]


@pytest.mark.parametrize(("total_bytes", "doomed"), [(100, 1), (101, 2), (120, 2), (121, 3), (1_000, 3)])
def test_what_goes_is_too_old_or_too_much(total_bytes: int, doomed: int) -> None:
    oldest = run_files((31, 30), (20, 20), (10, 50))
    meant = runs_to_empty(
        oldest, total_bytes=total_bytes, most_bytes=70, final_before=START - timedelta(days=30)
    )
    assert meant == [UUID(int=number) for number in range(doomed)]


# --- sessions and results -----------------------------------------------------------------------


async def is_there(world: World, run_id: UUID) -> bool:
    try:
        await get_run(world.platform, world.owner, run_id)
    except NotFound:
        return False
    return True


async def test_sessions_go_with_everything_of_theirs_some_time_after_their_end(
    world: World, database: Database
) -> None:
    old = await finished(world)
    world.clock.advance(60 * DAY_S)
    new = await finished(world)
    world.clock.advance(31 * DAY_S)
    await tidy(world.platform)
    assert [await is_there(world, run_id) for run_id in (old, new)] == [False, True]
    async with database.read() as connection:
        for table in (sessions, runs, results):
            assert await connection.scalar(select(func.count()).select_from(table)) == 1
    counted = world.platform.measures.registry.get_sample_value("bellrock_janitor_removed_sessions_total")
    assert counted == 1


async def test_a_session_that_goes_on_stays_whatever_its_age(world: World) -> None:
    going_on = await started(world)
    world.clock.advance(91 * DAY_S)
    await tidy(world.platform)
    assert await is_there(world, going_on)
    await world.report(going_on, PASSED)
    world.clock.advance(89 * DAY_S)
    await tidy(world.platform)
    assert await is_there(world, going_on)


async def test_a_session_stays_until_its_files_are_gone(world: World, files: Path) -> None:
    run_id = await finished(world)
    world.clock.advance(91 * DAY_S)
    folder = files / f"runs/{run_id}"
    folder.rename(files / "elsewhere")
    folder.symlink_to(folder)  # a disk that gives errors
    await tidy(world.platform)
    assert await is_there(world, run_id)
    folder.unlink()
    (files / "elsewhere").rename(folder)
    await tidy(world.platform)
    assert not await is_there(world, run_id)
    assert kept(files, run_id) == [False]


async def test_old_sessions_go_in_lots_until_none_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "_SESSIONS_A_LOT", 2)
    old = [await finished(world) for _ in range(5)]
    world.clock.advance(31 * DAY_S)
    while await tidy(world.platform):
        pass
    world.clock.advance(60 * DAY_S)
    assert await tidy(world.platform) == 5
    assert not any([await is_there(world, run_id) for run_id in old])


# --- bundles ----------------------------------------------------------------------------------


async def upload_bundle(world: World, marker: bytes) -> str:
    return (await store_bundle(world.platform, world.owner, chunks(bundle(marker.decode())))).key


def has(files: Path, key: str) -> bool:
    return (files / keys.of_bundle(key)).is_file()


async def test_a_bundle_that_nothing_needs_goes_after_a_day(world: World, files: Path) -> None:
    unused = await upload_bundle(world, b"unused")
    await world.suite("shop", HERE)
    world.clock.advance(DAY_S)
    assert await tidy(world.platform) == 0
    world.clock.advance(1)
    assert await tidy(world.platform) == 1
    assert not has(files, unused)
    assert has(files, world.bundle_key)
    assert await upload_bundle(world, b"unused") == unused
    assert has(files, unused)


async def test_a_bundle_stays_while_a_run_of_its_deleted_check_goes_on(world: World, files: Path) -> None:
    check = await world.suite("shop", HERE)
    view = await start_check_session(world.platform, world.owner, check_id=check.id)
    run_id = view.runs[0].run.id
    await world.claim(run_id)
    await delete_check(world.platform, world.owner, check.id)
    world.clock.advance(2 * DAY_S)
    await tidy(world.platform)
    assert has(files, world.bundle_key)
    await world.report(run_id, PASSED)
    await tidy(world.platform)
    assert not has(files, world.bundle_key)


async def test_a_snapshot_stays_while_a_check_or_an_open_run_names_it(world: World, files: Path) -> None:
    key, unused = [
        await store_snapshot(world.platform, world.owner, chunks(content)) for content in (b"used", b"unused")
    ]
    spec = BrowserCheck("await page.title()", snapshots=(Snapshot(key, "home.png"),))
    draft = CheckDraft(type=CheckType.BROWSER, name="home", spec=spec, locations=(HERE,))
    check = await create_check(world.platform, world.owner, draft)
    view = await start_check_session(world.platform, world.owner, check_id=check.id)
    await world.claim(view.runs[0].run.id)
    world.clock.advance(2 * DAY_S)
    await tidy(world.platform)
    assert (has(files, key), has(files, unused)) == (True, False)
    await delete_check(world.platform, world.owner, check.id)
    await tidy(world.platform)
    assert has(files, key)
    await world.report(view.runs[0].run.id, PASSED)
    await tidy(world.platform)
    assert not has(files, key)


async def test_a_bundle_that_is_uploaded_again_is_young_again(world: World, files: Path) -> None:
    key = await upload_bundle(world, b"again")
    world.clock.advance(DAY_S - 1)
    await upload_bundle(world, b"again")
    world.clock.advance(DAY_S - 1)
    await tidy(world.platform)
    assert has(files, key)


async def test_uploads_beside_the_janitor_never_leave_a_bundle_without_its_file(
    world: World, files: Path
) -> None:
    for number in range(10):
        key = await upload_bundle(world, str(number).encode())
        world.clock.advance(DAY_S + 1)
        # The one at the end of its day is removed and uploaded at the same moment.
        await asyncio.gather(tidy(world.platform), upload_bundle(world, str(number).encode()))
        assert has(files, key)
        await world.suite(f"shop {number}", HERE, spec=PlaywrightSuite(key))


# --- uploads ----------------------------------------------------------------------------------

_KILLED_IN_THE_MIDDLE = """
import asyncio, os, sys
from pathlib import Path
from bellrock.artifacts.store import folder_store

async def chunks():
    for _ in range(3):
        yield b"x" * 6_000_000
    os.kill(os.getpid(), 9)

asyncio.run(folder_store(Path(sys.argv[1])).put(sys.argv[2], chunks(), max_bytes=10**9))
"""


async def test_what_a_killed_server_was_writing_goes_after_an_hour(world: World, files: Path) -> None:
    for key in (keys.of_upload(UUID(int=1)), keys.of_run(UUID(int=2), 1, "trace.zip")):
        killed = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", _KILLED_IN_THE_MIDDLE, str(files), key], check=False
        )
        assert killed.returncode == -9
    left = [path for path in files.rglob("*") if path.is_file() and "bundles" not in path.parts]
    assert len(left) == 2
    for path in left:
        set_written(path, world.clock.now)
    world.clock.advance(3_600)
    assert await tidy(world.platform) == 0
    world.clock.advance(1)
    assert await tidy(world.platform) == 2
    assert not any(path.exists() for path in left)


async def test_an_upload_that_was_never_made_a_bundle_goes_after_an_hour(world: World, files: Path) -> None:
    key = keys.of_upload(UUID(int=1))
    await world.platform.artifacts.put(key, chunks(b"whole"), max_bytes=10)
    set_written(files / key, world.clock.now)
    world.clock.advance(3_601)
    assert await tidy(world.platform) == 1
    assert not (files / key).exists()


async def test_what_was_removed_is_counted_by_kind(world: World) -> None:
    await finished(world)
    await upload_bundle(world, b"unused")
    world.clock.advance(31 * DAY_S)
    await tidy(world.platform)
    value = world.platform.measures.registry.get_sample_value
    assert value("bellrock_janitor_removed_files_total", {"what": "artifact"}) == 1
    assert value("bellrock_janitor_removed_bytes_total", {"what": "artifact"}) == len(TRACE)
    assert value("bellrock_janitor_removed_files_total", {"what": "bundle"}) == 1
    assert value("bellrock_janitor_removed_files_total", {"what": "upload"}) == 0
