"""What `make run` does: starts Bellrock, deploys the example shop, watches its suite and cancels one run.

Uses nothing but the `bellrock` command and the public API, so it reads as an example of both.

    PORT  where the pages and the API listen (3000)
    DATA  the data folder (.bellrock); what is there is used again
    ONCE  anything but empty: end when the session has ended, and exit 0 if all went as it should
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.table import Table

from bellrock.cli.receipt_line import receipt_line
from bellrock.cli.terminal import new_console
from bellrock.client.api import BellrockClient, connect
from bellrock.client.errors import ClientError
from bellrock.client.models import Counts, Receipt, Row, Session
from bellrock.client.transport import Server
from scripts.dev_server import BELLROCK, STOP_S, Options, Trouble, read_options, running_server

REPOSITORY = Path(__file__).resolve().parent.parent
SHOP = REPOSITORY / "examples" / "shop"
SUITE = "Shop suite"


FIRST_TESTS_S = 420  # the first run installs the suite's dependencies
SESSION_S = 900
TESTS_BEFORE_CANCEL = 4

console = new_console()


# ------------------------------------------------------------------------------------- the story


async def bellrock(server: Server, *arguments: str) -> asyncio.subprocess.Process:
    """The `bellrock` command in the shop's folder, in this terminal."""
    console.print(f"\n[bold]$ bellrock {' '.join(arguments)}[/bold]")
    environment = {
        **os.environ,
        "BELLROCK_URL": server.url,
        "BELLROCK_API_KEY": server.api_key,
        "BELLROCK_ACCOUNT_ID": str(server.account_id),
    }
    return await asyncio.create_subprocess_exec(BELLROCK, *arguments, cwd=SHOP, env=environment)


async def deploy(server: Server, client: BellrockClient) -> Session:
    """Deploy the shop. Its session: the one that the deploy started, or a new one where nothing changed."""
    began = datetime.now(UTC)
    command = await bellrock(server, "deploy", "--force")
    if await command.wait() != 0:
        raise Trouble("the deploy of examples/shop failed: see above")
    for session in (await client.check_sessions.list(limit=5)).entries:
        if session.run_source == "CLI_DEPLOY" and session.started_at >= began:
            return session
    checks = await client.checks.list(search=SUITE)
    if not checks:
        raise Trouble(f"the deploy of examples/shop made no check named {SUITE!r}")
    console.print("It was deployed before: starting a session of it.")
    (session,) = await client.check_sessions.trigger({"target": {"checkId": [str(checks[0].id)]}})
    return session


async def until_run(
    client: BellrockClient, session: Session, location: str, holds: Callable[[Row], bool]
) -> Row:
    """Wait until the run at a location is as asked, or final."""
    try:
        async with asyncio.timeout(FIRST_TESTS_S):
            while True:
                rows = (await client.check_sessions.get(session.id)).results
                for row in rows:
                    if row.run_location == location and not row.is_attempt and (row.is_final or holds(row)):
                        return row
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise Trouble(f"the run at {location} began no tests in {FIRST_TESTS_S} s") from None


def has_begun_tests(row: Row) -> bool:
    tests = row.progress.tests if row.progress else None
    return tests is not None and tests.passed + tests.failed + tests.running >= TESTS_BEFORE_CANCEL


async def watch_and_cancel(server: Server, client: BellrockClient, session: Session) -> Session:
    """Show the session in the terminal; cancel its last location's run once some tests have run."""
    location = session.run_locations[-1]
    console.print(
        f"The run at {location} will be cancelled once {TESTS_BEFORE_CANCEL} of its tests have begun."
    )
    watching = await bellrock(server, "sessions", "watch", str(session.id))
    try:
        row = await until_run(client, session, location, has_begun_tests)
        if row.is_final or row.sequence_id is None:
            raise Trouble(f"the run at {location} ended before it could be cancelled")
        await client.check_sessions.cancel(session.id, sequence_ids=[row.sequence_id])
        async with asyncio.timeout(SESSION_S):
            ended = await client.check_sessions.completion(session.id)
        await asyncio.wait_for(watching.wait(), STOP_S)
    except TimeoutError:
        raise Trouble(f"the session did not end in {SESSION_S} s") from None
    finally:
        if watching.returncode is None:
            watching.terminate()
            await watching.wait()
    return ended


# ------------------------------------------------------------------------------------- the result


def outcome(row: Row) -> str:
    if row.was_cancelled:
        return "[magenta]⊘ cancelled[/magenta]"
    if row.has_errors or row.has_failures:
        return "[red]✗ failed[/red]"
    return "[green]✓ passed[/green]"


def session_table(session: Session) -> Table:
    table = Table(
        title=f"{session.name}: {session.status}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in ("Location", "Outcome", "Took", "Passed", "Failed", "Flaky", "Cut off", "Not begun"):
        table.add_column(
            column, justify="left" if column in ("Location", "Outcome") else "right", no_wrap=True
        )
    for row in session.results:
        if row.is_attempt:
            continue
        tests = (row.progress.tests if row.progress else None) or Counts()
        took = row.stopped_at - row.started_at if row.stopped_at and row.started_at else None
        numbers = (tests.passed, tests.failed, tests.flaky, tests.interrupted, tests.not_started)
        duration = f"{took.total_seconds():.1f} s" if took else "-"
        table.add_row(row.run_location, outcome(row), duration, *map(str, numbers))
    return table


def judge(session: Session, receipt: Receipt | None) -> None:
    """The promises that this job shows, checked."""
    rows = [row for row in session.results if not row.is_attempt]
    cancelled = [row for row in rows if row.was_cancelled]
    if session.status != "CANCELLED" or len(cancelled) != 1 or not all(row.is_final for row in rows):
        raise Trouble(
            f"the session ended {session.status} with {len(cancelled)} cancelled runs of {len(rows)}"
        )
    if any(row.has_errors for row in rows):
        raise Trouble("a run ended with an error of the platform: see its page")
    if receipt is None or receipt.processes_left != 0:
        raise Trouble("the cancelled run has no receipt that says that no process is left")


async def show_result(client: BellrockClient, session: Session) -> None:
    console.print()
    console.print(session_table(session))
    receipt = None
    for row in session.results:
        if row.was_cancelled and session.check_id:
            receipt = (await client.check_sessions.result(session.check_id, row.result_id)).receipt
            if receipt:
                console.print(f"\nReceipt for {row.run_location}: {receipt_line(receipt)}")
    judge(session, receipt)
    console.print("\nThe other run found what is wrong with the shop: one test fails, and rightly so.")


async def main_job(options: Options) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with running_server(options) as server:
        story = asyncio.create_task(tell(server))
        told = asyncio.create_task(stopping.wait())
        await asyncio.wait({story, told}, return_when=asyncio.FIRST_COMPLETED)
        if not story.done():
            story.cancel()
            await asyncio.gather(story, return_exceptions=True)
            return
        story.result()
        console.print(f"\nPage     {server.url}\nAPI key  {server.api_key}\nAccount  {server.account_id}")
        if not options.once:
            console.print("\nBellrock stays up. Ctrl+C stops it.")
            await stopping.wait()


async def tell(server: Server) -> None:
    async with connect(server) as client:
        session = await deploy(server, client)
        ended = await watch_and_cancel(server, client, session)
        await show_result(client, ended)


def main() -> int:
    try:
        asyncio.run(main_job(read_options()))
    except (Trouble, ClientError) as trouble:
        print(f"make run: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
