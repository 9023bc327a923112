"""The runner's caches stay in bounds, and nothing that somebody uses is taken away."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from structlog.testing import capture_logs

from bellrock.runner.janitor import Cache, Pruned, keep_tidy
from bellrock.runner.playwright.browsers import provide_browsers, prune_browsers
from bellrock.runner.playwright.dependency_store import DependencyStore
from bellrock.runner.transfer import TransferOptions, prune_bundles
from tests.unit.runner.agent_rig import until

DAY_S = 86_400
PACKAGE = b"x" * 1_000


def aged(path: Path, seconds: float) -> None:
    """Have a file or folder look as if it was last touched so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


# --- bundles ----------------------------------------------------------------------------------


def bundles_in(folder: Path, **ages_s: float) -> TransferOptions:
    folder.mkdir()
    for name, age_s in ages_s.items():
        (folder / name.replace("_", ".")).write_bytes(PACKAGE)
        aged(folder / name.replace("_", "."), age_s)
    return TransferOptions(folder, cache_bytes=2_000)


def test_bundles_used_longest_ago_go_until_the_cache_is_in_bounds(tmp_path: Path) -> None:
    options = bundles_in(tmp_path / "bundles", old=30, older=40, new=10, oldest=50)
    assert prune_bundles(options) == Pruned(2, 2_000)
    assert {path.name for path in options.bundle_folder.iterdir()} == {"old", "new"}


def test_the_bundle_just_fetched_stays_even_where_it_alone_is_too_large(tmp_path: Path) -> None:
    options = bundles_in(tmp_path / "bundles", fetched=50, other=10, another=20)
    prune_bundles(options, keep=options.bundle_folder / "fetched")
    assert {path.name for path in options.bundle_folder.iterdir()} == {"fetched", "other"}


def test_a_fetch_that_was_cut_off_goes_after_an_hour_and_one_that_goes_on_stays(tmp_path: Path) -> None:
    options = bundles_in(tmp_path / "bundles", cut_part=3_700, going_part=60)
    assert prune_bundles(options) == Pruned(1, 1_000)
    assert [path.name for path in options.bundle_folder.iterdir()] == ["going.part"]


def test_a_runner_without_bundles_has_nothing_to_remove(tmp_path: Path) -> None:
    assert prune_bundles(TransferOptions(tmp_path / "none")) == Pruned()


# --- dependencies -----------------------------------------------------------------------------


def keep(store: DependencyStore, key: str, *, age_s: float = 0, used: bool = False) -> Path:
    """An entry of the store; ``used`` ones are held until the process ends."""
    scratch = store.scratch()
    (scratch / "node_modules").mkdir()
    (scratch / "node_modules" / "index.js").write_bytes(PACKAGE)
    lease = store.keep(key, scratch)
    scratch.rmdir()
    assert lease is not None
    if not used:
        lease.release()
    aged(lease.entry / "lock", age_s)
    return lease.entry


def test_packages_that_nobody_used_for_a_month_go_and_leave_nothing(tmp_path: Path) -> None:
    store = DependencyStore(tmp_path, limit_bytes=10_000)
    keep(store, "idle", age_s=31 * DAY_S)
    recent = keep(store, "recent", age_s=29 * DAY_S)
    assert store.prune() == Pruned(1, 1_000)
    assert [path.name for path in tmp_path.iterdir()] == ["recent"]
    assert recent.is_dir()


def test_superseded_packages_go_but_not_those_about_to_take_their_place(tmp_path: Path) -> None:
    store = DependencyStore(tmp_path, limit_bytes=10_000)
    superseded = keep(store, "shop", age_s=3_600)
    current = keep(store, "shop")
    (tmp_path / "shop" / "current").unlink()  # the moment before the new one is pointed to
    store.prune()
    assert current.is_dir()
    assert not superseded.exists()


def test_packages_over_the_limit_go_least_recently_used_first_unless_a_run_has_them(tmp_path: Path) -> None:
    store = DependencyStore(tmp_path, limit_bytes=2_000)
    entries = [
        keep(store, "used", age_s=400, used=True),
        keep(store, "old", age_s=300),
        keep(store, "newer", age_s=200),
        keep(store, "newest", age_s=100),
    ]
    assert store.prune() == Pruned(2, 2_000)
    assert [entry.is_dir() for entry in entries] == [True, False, False, True]


def test_what_a_crash_left_of_an_install_goes_after_a_day(tmp_path: Path) -> None:
    store = DependencyStore(tmp_path, limit_bytes=10_000)
    kept = keep(store, "shop")
    leftovers = [store.scratch(), tmp_path / "shop" / ".half-kept"]
    leftovers[1].mkdir()
    for leftover in leftovers:
        (leftover / "package.json").write_bytes(PACKAGE)
    assert store.prune() == Pruned()
    for leftover in leftovers:
        aged(leftover, DAY_S + 60)
    assert store.prune() == Pruned(2, 2_000)
    assert kept.is_dir()
    assert not any(leftover.exists() for leftover in leftovers)


# --- browsers ---------------------------------------------------------------------------------


def core(folder: Path, revision: str) -> Path:
    """A playwright-core package that wants browsers of this revision."""
    folder.mkdir()
    listed = f'{{"browsers": [{{"name": "chromium", "revision": "{revision}"}}]}}'
    (folder / "browsers.json").write_text(listed)
    return folder


def provide(tmp_path: Path, revision: str) -> Path:
    made = core(tmp_path / f"core-{revision}", revision)
    return provide_browsers([made], tmp_path / "cache", chromium=Path("/bin/true"), ffmpeg=None).folder


def age_browsers(folder: Path, seconds: float) -> None:
    for path in (*folder.glob("*/DEPENDENCIES_VALIDATED"), folder):
        aged(path, seconds)


def test_browsers_that_no_suite_wanted_for_a_month_go_and_are_made_again_when_wanted(tmp_path: Path) -> None:
    old, recent = provide(tmp_path, "1100"), provide(tmp_path, "1200")
    age_browsers(old, 31 * DAY_S)
    age_browsers(recent, 29 * DAY_S)
    assert prune_browsers(tmp_path / "cache").entries == 1
    assert not old.exists()
    assert recent.is_dir()
    again = provide_browsers(
        [tmp_path / "core-1100"], tmp_path / "cache", chromium=Path("/bin/true"), ffmpeg=None
    )
    assert again.folder == old
    assert old.is_dir()


def test_browsers_made_long_ago_stay_while_runs_use_them(tmp_path: Path) -> None:
    folder = provide(tmp_path, "1100")
    aged(folder, 90 * DAY_S)  # its markers were touched by the last run
    assert prune_browsers(tmp_path / "cache") == Pruned()


# --- the loop ---------------------------------------------------------------------------------


async def test_a_cache_that_cannot_be_pruned_does_not_keep_the_others() -> None:
    rounds: list[int] = []

    def fails() -> Pruned:
        raise PermissionError("not yours")

    def prunes() -> Pruned:
        rounds.append(1)
        return Pruned(2, 300)

    with capture_logs() as lines:
        tidying = asyncio.create_task(keep_tidy([Cache("a", fails), Cache("b", prunes)], every_s=0.01))
        await until(lambda: len(rounds) >= 2)
        tidying.cancel()
        with suppress(asyncio.CancelledError):
            await tidying
    assert {
        "event": "cache.pruned",
        "cache": "b",
        "entries": 2,
        "size_bytes": 300,
        "log_level": "info",
    } in lines
    assert any(line["event"] == "cache.prune_failed" for line in lines)
