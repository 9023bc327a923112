"""Sessions in every state a page can show, made of the services' own views."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from bellrock.domain.access import KeyKind, Principal, Role
from bellrock.domain.cancellation import CancelRequest, RunSource, Via, why_not_cancellable
from bellrock.domain.checks import Check, EnvironmentVariable
from bellrock.domain.live import (
    LiveEvent,
    Output,
    Progress,
    Stage,
    StageEntered,
    StepEnded,
    StepStarted,
    TestEnded,
    TestError,
    TestRef,
    TestsFound,
    TestStarted,
)
from bellrock.domain.outcomes import CANCELLED, Blame, Outcome, Verdict
from bellrock.domain.receipts import CancelAction, CancelStep, Receipt, RunnerReceipt, TestCounts
from bellrock.domain.runs import Lease, Run, RunState
from bellrock.domain.sessions import GitMetadata, Session, SessionKind, is_over, status_of
from bellrock.domain.specs import CheckType, PlaywrightSuite
from bellrock.services.views import ResultView, RunnerView, RunView, SessionView
from bellrock.wire.messages import Artifact, Timing

NOW = datetime(2026, 11, 22, 12, 4, 30, tzinfo=UTC)
_NAMES = UUID(int=7)
ACCOUNT = uuid5(_NAMES, "account")
STARTED = NOW - timedelta(seconds=24)
FRAME = """  12 |   await page.getByRole('button', { name: 'Place order' }).click();
  13 |
> 14 |   await expect(page.getByTestId('total')).toHaveText('€ 42.00');
     |                                           ^
  15 | });"""
MESSAGE = """Error: expect(locator).toHaveText(expected) failed

Locator:  getByTestId('total')
Expected: "€ 42.00"
Received: "€ 38.50"
Timeout:  5000ms"""


def named(name: str) -> UUID:
    """An id that is the same in every run."""
    return uuid5(_NAMES, name)


def principal(role: Role = Role.OWNER) -> Principal:
    return Principal(ACCOUNT, "Keeper's House", named("key"), "ana", KeyKind.USER, role)


def check(name: str = "Shop", *, tags: tuple[str, ...] = ("shop", "checkout")) -> Check:
    return Check(
        id=named(f"check {name}"),
        account_id=ACCOUNT,
        type=CheckType.PLAYWRIGHT,
        name=name,
        spec=PlaywrightSuite(bundle_key="b" * 64),
        created_at=STARTED,
        locations=("eu-central-1", "us-east-1"),
        tags=tags,
        environment=(
            EnvironmentVariable("SHOP_URL", ""),
            EnvironmentVariable("SHOP_PASSWORD", "", secret=True),
            EnvironmentVariable("REGION", "", locked=True),
        ),
    )


def _ref(project: str, file: str, line: int, *title: str, tags: tuple[str, ...] = ()) -> TestRef:
    return TestRef(f"{project}-{file}-{line}", project, file, line, title, tags)


def suite() -> tuple[TestRef, ...]:
    """Two files in two projects."""
    found = []
    for project in ("desktop", "phone"):
        found += [
            _ref(project, "tests/cart.spec.ts", 4, "Cart", "adds a lamp to the cart", tags=("@smoke",)),
            _ref(project, "tests/cart.spec.ts", 11, "Cart", "changes the quantity"),
            _ref(project, "tests/cart.spec.ts", 19, "Cart", "coupon", "refuses an expired coupon"),
            _ref(project, "tests/checkout.spec.ts", 9, "Checkout", "shows the total with postage"),
            _ref(
                project, "tests/checkout.spec.ts", 21, "Checkout", "takes a card that needs a second factor"
            ),
            _ref(
                project, "tests/search.spec.ts", 5, "finds a product by a part of its name", tags=("@slow",)
            ),
        ]
    return tuple(found)


class Tape:
    """Live events with their numbers and times."""

    def __init__(self) -> None:
        self.events: list[LiveEvent] = []
        self._at_ms = int(STARTED.timestamp() * 1000)

    def add(self, kind: type, *, after_ms: int = 400, **fields: object) -> None:
        self._at_ms += after_ms
        self.events.append(kind(seq=len(self.events) + 1, at_ms=self._at_ms, **fields))

    def test(self, ref: TestRef, outcome: str | None, *, duration_ms: int = 840, steps: bool = True) -> None:
        """A test that began and, unless ``outcome`` is None, ended."""
        self.add(TestStarted, test_id=ref.id, retry=0)
        if steps:
            self._steps(ref, failed=outcome == "unexpected", open_ended=outcome is None)
        if outcome is None:
            return
        retry = 1 if outcome == "flaky" else 0
        status = "failed" if outcome == "unexpected" else "skipped" if outcome == "skipped" else "passed"
        errors = (TestError(MESSAGE, FRAME, ref.file, 14),) if outcome == "unexpected" else ()
        self.add(
            TestEnded, test_id=ref.id, retry=retry, status=status, outcome=outcome, final=True,
            duration_ms=duration_ms, errors=errors,
        )  # fmt: skip
        self.add(Output, after_ms=3, stream="stdout", text=f"  \x1b[32m✓\x1b[39m  {ref.title[-1]}\n")

    def _steps(self, ref: TestRef, *, failed: bool, open_ended: bool) -> None:
        number = len(self.events) * 10
        names = [
            "Before Hooks",
            "page.goto(/)",
            "getByRole('button', { name: 'Add' }).click()",
            "expect.toHaveText",
        ]
        for place, name in enumerate(names):
            parent = None if place == 0 else number if place == 1 else None
            step = number + place
            common: dict[str, Any] = {"test_id": ref.id, "retry": 0, "step": step, "after_ms": 30}
            self.add(StepStarted, parent=parent, category="pw:api", title=name, **common)
            if place == len(names) - 1 and open_ended:
                return
            error = MESSAGE if failed and place == len(names) - 1 else None
            self.add(StepEnded, duration_ms=31 + 97 * place, error=error, **common)


def tape(*, ended: int | None = None) -> Tape:
    """A suite's events: the first ``ended`` tests are over (None: all), the next one runs."""
    made, refs = Tape(), suite()
    made.add(StageEntered, stage=Stage.PREPARING)
    made.add(StageEntered, stage=Stage.INSTALLING, note="dependencies came from the cache")
    made.add(Output, stream="system", text="npm ci --prefer-offline\n")
    made.add(StageEntered, stage=Stage.STARTING, after_ms=2100)
    made.add(TestsFound, playwright_version="1.65.1", workers=2, tests=refs)
    made.add(StageEntered, stage=Stage.TESTING)
    outcomes = ["expected", "expected", "flaky", "unexpected", "expected", "skipped"] * 2
    for place, ref in enumerate(refs[: ended if ended is not None else len(refs)]):
        made.test(ref, outcomes[place], duration_ms=300 + 410 * place)
    if ended is not None and ended < len(refs):
        made.test(refs[ended], None)
    made.add(Output, stream="stderr", text="[WebServer] deprecated option --legacy\n")
    return made


def fold(events: list[LiveEvent]) -> Progress:
    progress = Progress()
    for event in events:
        progress.apply(event)
    return progress


def run(location: str, state: RunState = RunState.RUNNING, **changes: Any) -> Run:
    base = Run(
        id=named(f"run {location}"),
        session_id=named("session"),
        account_id=ACCOUNT,
        check_id=check().id,
        check_type=CheckType.PLAYWRIGHT,
        source=RunSource.SCHEDULE_NOW,
        location=location,
        result_id=named(f"result {location}"),
        queued_at=STARTED,
        state=state,
        lease=Lease(named("token"), "runner-1", NOW) if state is RunState.RUNNING else None,
        started_at=None if state is RunState.QUEUED else STARTED + timedelta(seconds=1),
    )
    return replace(base, **changes)


def run_view(
    of: Run, *, results: tuple[ResultView, ...] = (), waiting: bool = False, **changes: Any
) -> RunView:
    reason = why_not_cancellable(of.check_type, of.source)
    open_ended = not of.is_final and of.cancel is None
    view = RunView(
        run=of,
        check_name="Shop",
        results=results,
        counts=next((result.tests for result in results), None),
        stage=None,
        waiting_for_runner=waiting,
        cancellable=open_ended and reason is None,
        why_not_cancellable=reason if open_ended else None,
    )
    return replace(view, **changes)


ARTIFACTS = tuple(
    Artifact(
        name=name,
        type=kind,  # type: ignore[arg-type]  # the words below are the model's
        content_type=content_type,
        size_bytes=size,
        sha256="0" * 64,
    )
    for name, kind, content_type, size in (
        ("playwright-report/index.html", "report", "text/html", 562_114),
        ("report.json", "report", "application/json", 48_211),
        ("checkout-total/trace.zip", "trace", "application/zip", 1_204_553),
        ("suite.log", "log", "text/plain", 9_121),
        ("events.ndjson", "log", "application/x-ndjson", 81_004),
    )
)


def receipt(asked: datetime) -> Receipt:
    """A suite that had to be killed in the end."""
    took = ((CancelAction.INTERRUPT_MAIN, "SIGINT", 4, 25), (CancelAction.KILL_BROWSERS, "SIGKILL", 1208, 25),
            (CancelAction.KILL_WORKERS, "SIGKILL", 2011, 6))  # fmt: skip
    received = asked + timedelta(milliseconds=9)
    steps = tuple(
        CancelStep(action, signal, received + timedelta(milliseconds=offset), offset, processes)
        for action, signal, offset, processes in took
    )
    runner = RunnerReceipt(
        stage=Stage.TESTING,
        isolation="bubblewrap",
        received_at=received,
        steps=steps,
        last_process_gone_at=asked + timedelta(milliseconds=2270),
        processes_left=0,
        proof="The process namespace of the run was empty and the kernel had removed it.",
        tests=TestCounts(total=12, passed=5, failed=1, flaky=1, interrupted=2, not_started=4),
        artifacts_kept=tuple(artifact.name for artifact in ARTIFACTS),
    )
    return Receipt(asked, "ana", Via.UI, asked + timedelta(milliseconds=2420), False, False, runner)


def result(of: Run, outcome: Outcome, *, progress: Progress | None = None, **changes: Any) -> ResultView:
    final = ResultView(
        id=of.result_id,
        run_id=of.id,
        attempt=1,
        result_type="FINAL",
        location=of.location,
        outcome=outcome,
        response_time_ms=18_430,
        started_at=of.started_at,
        stopped_at=of.stopped_at,
        tests=progress.counts() if progress else None,
        test_list=(),
        errors=(),
        timings=(Timing(stage="preparing", duration_ms=120), Timing(stage="testing", duration_ms=14_210)),
        artifacts=ARTIFACTS if progress else (),
        receipt=None,
        details={},
        evidence_complete=True,
        created_at=NOW,
    )
    return replace(final, **changes)


def session_view(*runs: RunView, kind: SessionKind = SessionKind.CHECK, **changes: Any) -> SessionView:
    bare = [view.run for view in runs]
    over = is_over(bare)
    session = Session(
        id=named("session"),
        account_id=ACCOUNT,
        kind=kind,
        name="Shop",
        source=RunSource.SCHEDULE_NOW,
        started_at=STARTED,
        locations=tuple(one.location for one in bare),
        check_id=check().id,
        check_type=CheckType.PLAYWRIGHT,
        started_by="ana",
        git=GitMetadata(
            branch_name="storm-lamp",
            commit_id="4f1c2ab97d00",
            commit_owner="Ana Keeper",
            commit_message="Show postage before the last step",
        ),
    )
    session = replace(session, **changes)
    return SessionView(session, status_of(kind, bare), runs, NOW if over else None, 24_310)


@dataclass(frozen=True, slots=True)
class Example:
    """A session page's state with the live picture of its runs."""

    view: SessionView
    progress: dict[UUID, Progress]
    tape: Tape


def _final(location: str, outcome: Outcome, *, progress: Progress, **changes: Any) -> RunView:
    cancel = changes.pop("cancel", None)
    done = run(location, RunState.FINAL, outcome=outcome, stopped_at=NOW, cancel=cancel)
    return run_view(done, results=(result(done, outcome, progress=progress, **changes),))


def running() -> Example:
    first, second = tape(ended=7), tape(ended=2)
    runs = run("eu-central-1"), run("us-east-1")
    view = session_view(*(run_view(one) for one in runs))
    return Example(view, {runs[0].id: fold(first.events), runs[1].id: fold(second.events)}, first)


def cancelling() -> Example:
    live = tape(ended=7)
    live.add(StageEntered, stage=Stage.CANCELLING)
    stamped = run("eu-central-1", cancel=CancelRequest(NOW - timedelta(seconds=1), "ana", Via.UI))
    other = run("us-east-1")
    progress = {stamped.id: fold(live.events), other.id: fold(tape(ended=9).events)}
    return Example(session_view(run_view(stamped), run_view(other)), progress, live)


def cancelled() -> Example:
    live = tape(ended=7)
    live.add(StageEntered, stage=Stage.CANCELLING)
    live.add(StageEntered, stage=Stage.REPORTING, after_ms=2300)
    asked = NOW - timedelta(seconds=4)
    progress, passed = fold(live.events), fold(_all_good().events)
    progress.interrupt_open_tests()
    cancel = CancelRequest(asked, "ana", Via.UI)
    stopped = _final("eu-central-1", CANCELLED, progress=progress, cancel=cancel, receipt=receipt(asked))
    other = _final("us-east-1", Outcome(Verdict.PASSED), progress=passed)
    return Example(session_view(stopped, other), {stopped.run.id: progress, other.run.id: passed}, live)


def _all_good() -> Tape:
    made = Tape()
    made.add(TestsFound, playwright_version="1.65.1", workers=2, tests=suite())
    for ref in suite():
        made.test(ref, "expected")
    return made


def failed() -> Example:
    live = tape()
    progress = fold(live.events)
    outcome = Outcome(Verdict.FAILED, Blame.TARGET, "TESTS_FAILED", "2 of 12 tests failed.")
    views = [_final(place, outcome, progress=progress) for place in ("eu-central-1", "us-east-1")]
    return Example(session_view(*views), {view.run.id: progress for view in views}, live)


def queued_without_runner() -> Example:
    runs = (
        run_view(run("eu-central-1", RunState.QUEUED)),
        run_view(run("ap-south-1", RunState.QUEUED), waiting=True),
    )
    return Example(session_view(*runs), {}, Tape())


def scheduled() -> Example:
    """A session that no person started: nobody can cancel it."""
    live = tape(ended=4)
    going = run("eu-central-1", source=RunSource.SCHEDULER)
    view = session_view(run_view(going), source=RunSource.SCHEDULER, started_by=None)
    return Example(view, {going.id: fold(live.events)}, live)


def forced() -> Example:
    """The runner vanished while it was cancelled, and the server ended the run."""
    live = tape(ended=3)
    progress = fold(live.events)
    progress.interrupt_open_tests()
    asked = NOW - timedelta(seconds=15)
    alone = Receipt(asked, "ci", Via.CLI, NOW, False, True, None)
    cancel = CancelRequest(asked, "ci", Via.CLI)
    stopped = _final("eu-central-1", CANCELLED, progress=progress, cancel=cancel, receipt=alone, artifacts=())
    return Example(session_view(stopped), {stopped.run.id: progress}, live)


def files_removed() -> Example:
    """A cancelled run of long ago: what it kept was removed, the receipt stays."""
    live = tape(ended=7)
    progress = fold(live.events)
    progress.interrupt_open_tests()
    asked = NOW - timedelta(days=40)
    cancel = CancelRequest(asked, "ana", Via.UI)
    stopped = _final(
        "eu-central-1",
        CANCELLED,
        progress=progress,
        cancel=cancel,
        receipt=receipt(asked),
        artifacts=(),
        files_removed_at=NOW - timedelta(days=10),
    )
    return Example(session_view(stopped), {stopped.run.id: progress}, live)


def install_failed() -> Example:
    live = Tape()
    live.add(StageEntered, stage=Stage.PREPARING)
    live.add(StageEntered, stage=Stage.INSTALLING)
    live.add(Output, stream="stderr", text="npm error code ERESOLVE\nnpm error could not resolve\n")
    outcome = Outcome(Verdict.FAILED, Blame.CHECK, "INSTALL_FAILED", "The install command ended with code 1.")
    view = _final("eu-central-1", outcome, progress=fold(live.events))
    return Example(session_view(view), {view.run.id: fold(live.events)}, live)


EXAMPLES = {
    "running": running,
    "cancelling": cancelling,
    "cancelled": cancelled,
    "failed": failed,
    "queued": queued_without_runner,
    "scheduled": scheduled,
    "forced": forced,
    "install-failed": install_failed,
    "files-removed": files_removed,
}


_NAMESPACE = (
    "Every process of a run lives in a PID namespace of its own, whatever it forks, detaches or renames;"
    " when it is stopped, or when the runner dies, the kernel ends all of them at once."
    " The suite sees only the system's programs and its own folders."
    " It runs as an unprivileged user of its own."
)
_SHEPHERD = (
    "Every orphan of a run is given to its shepherd, which kills until nobody is left, also when the"
    " runner dies. A hostile suite can kill its shepherd, being the same user."
    " It shares /tmp and sees what every user of the machine may read."
    " It runs as the runner's user, without further rights."
)


def runner_view(name: str, location: str, **changes: Any) -> RunnerView:
    view = RunnerView(
        runner_id=name,
        location=location,
        version="0.1.0",
        slots=2,
        busy_slots=0,
        isolation="bubblewrap",
        guarantees=_NAMESPACE,
        leftover_processes=0,
        orphans_swept=0,
        started_at=NOW - timedelta(hours=3),
        seen_at=NOW - timedelta(seconds=1),
        connected=True,
    )
    return replace(view, **changes)


def good_runners() -> tuple[RunnerView, ...]:
    """One machine with two locations, and one that was cut off in its last life."""
    return (
        runner_view("harbour-5f0c2a91", "eu-central-1", busy_slots=1),
        runner_view("harbour-5f0c2a91", "us-east-1", busy_slots=2),
        runner_view("mole-end-77b0e4d2", "ap-south-1", orphans_swept=27, slots=8, busy_slots=5),
    )


def bad_runners() -> tuple[RunnerView, ...]:
    """A weak machine that left processes, one that is gone, and a location without any."""
    return (
        runner_view("harbour-5f0c2a91", "eu-central-1", busy_slots=1),
        runner_view(
            "cellar-0d41c7aa", "us-east-1", isolation="shepherd", guarantees=_SHEPHERD, leftover_processes=3
        ),
        runner_view(
            "outpost-9c2f1b08",
            "ap-south-1",
            connected=False,
            started_at=NOW - timedelta(days=9),
            seen_at=NOW - timedelta(days=2),
        ),
    )


RUNNERS: dict[str, Callable[[], tuple[RunnerView, ...]]] = {
    "good": good_runners,
    "bad": bad_runners,
    "none": tuple,
}
