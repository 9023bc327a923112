"""Payloads of the types that bring code: Playwright suites, browser and multistep checks; and heartbeats."""

from pathlib import PurePosixPath
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AliasChoices, Field, model_validator

from bellrock.domain.specs import (
    UNIT_S,
    BrowserCheck,
    Heartbeat,
    MultistepCheck,
    PlaywrightSuite,
    Snapshot,
)
from bellrock.services.check_payload.common import CheckPayload, Payload, is_empty
from bellrock.services.check_payload.dependencies import DependencyPayload, files_of

_MOST_SNAPSHOTS = 500
_SHORTEST_PERIOD_S = 30
_LONGEST_S = 365 * UNIT_S["days"]


class SuitePayload(CheckPayload):
    """A Playwright Check Suite."""

    code_bundle_path: Annotated[
        str, Field(min_length=1, validation_alias=AliasChoices("codeBundlePath", "bundleKey"))
    ]
    test_command: str = PlaywrightSuite("").test_command
    install_command: str | None = None
    working_dir: str | None = None
    pw_projects: tuple[str, ...] = ()
    pw_tags: tuple[str, ...] = ()
    browsers: tuple[str, ...] = ("chromium",)
    playwright_version: str | None = None
    cache_hash: str | None = None
    engine: Literal["node", "bun"] | None = None
    engine_version: str | None = None
    double_check: bool = False

    def spec(self) -> PlaywrightSuite:
        """What it does."""
        return PlaywrightSuite(
            bundle_key=self.code_bundle_path,
            test_command=self.test_command,
            install_command=self.install_command or "",
            working_dir=self.working_dir or ".",
            pw_projects=self.pw_projects,
            pw_tags=self.pw_tags,
            browsers=self.browsers,
            playwright_version=self.playwright_version,
            cache_hash=self.cache_hash,
            engine=self.engine,
            engine_version=self.engine_version,
        )


class _Snapshot(Payload):
    key: Annotated[str, Field(min_length=1, max_length=200)]
    path: Annotated[str, Field(min_length=1, max_length=1_000)]

    @model_validator(mode="after")
    def _stays_inside(self) -> "_Snapshot":
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"snapshots: {self.path!r} must be relative and without '..'")
        return self


class ScriptPayload(CheckPayload):
    script: Annotated[str, Field(min_length=1)]
    script_path: Annotated[str | None, Field(min_length=1)] = None
    dependencies: tuple[DependencyPayload, ...] = ()
    should_fail: bool = False


class BrowserPayload(ScriptPayload):
    """A browser check."""

    ssl_check_domain: str | None = None
    snapshots: Annotated[tuple[_Snapshot, ...], Field(max_length=_MOST_SNAPSHOTS, exclude_if=is_empty)] = ()

    def spec(self) -> BrowserCheck:
        """What it does."""
        return BrowserCheck(
            self.script,
            script_path=self.script_path,
            dependencies=files_of(self.dependencies),
            snapshots=tuple(Snapshot(each.key, each.path) for each in self.snapshots),
            ssl_check_domain=self.ssl_check_domain or None,
            should_fail=self.should_fail,
        )


class MultistepPayload(ScriptPayload):
    """A multistep check."""

    def spec(self) -> MultistepCheck:
        """What it does."""
        return MultistepCheck(
            self.script,
            script_path=self.script_path,
            dependencies=files_of(self.dependencies),
            should_fail=self.should_fail,
        )


_Unit = Literal["seconds", "minutes", "hours", "days"]


class HeartbeatPart(Payload):
    period: Annotated[int, Field(ge=1)]
    period_unit: _Unit
    grace: Annotated[int, Field(ge=0)]
    grace_unit: _Unit
    ping_token: UUID | None = None

    @model_validator(mode="after")
    def _within_bounds(self) -> "HeartbeatPart":
        period_s, grace_s = self.period * UNIT_S[self.period_unit], self.grace * UNIT_S[self.grace_unit]
        if not _SHORTEST_PERIOD_S <= period_s <= _LONGEST_S:
            raise ValueError("heartbeat.period: use 30 seconds to 365 days")
        if grace_s > _LONGEST_S:
            raise ValueError("heartbeat.grace: use 0 to 365 days")
        return self


class HeartbeatPayload(CheckPayload):
    """A heartbeat. Without a token it gets one when it is saved."""

    heartbeat: HeartbeatPart
    double_check: bool = False

    def spec(self) -> Heartbeat:
        """What it waits for."""
        beat = self.heartbeat
        return Heartbeat(
            beat.period,
            beat.period_unit,
            beat.grace,
            beat.grace_unit,
            str(beat.ping_token) if beat.ping_token else "",
        )
