"""The only reader of the environment: every port, path, wait and limit, with its unit and default.

Read once, by bootstrap, and handed down. A variable is `BELLROCK_` and the field's name; a secret
can also be read from the file that `BELLROCK_<NAME>_FILE` names. A `BELLROCK_` variable nobody
knows is refused: it is a typing error, and a default would silently take its place.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "BELLROCK_"
_SECRETS = ("api_key", "nats_token", "location_key")
_OF_THE_CLIENT = frozenset({"BELLROCK_URL", "BELLROCK_API_URL", "BELLROCK_PROFILE", "BELLROCK_CONFIG"})

Seconds = Annotated[float, Field(gt=0, le=604_800)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Location = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class SettingsError(Exception):
    """A setting is wrong. The message names the variable and what is allowed."""


class Settings(BaseSettings):
    """All of Bellrock's settings. Field names end in their unit."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    # --- where
    host: str = "127.0.0.1"
    port: Port = 3000
    data_dir: Path = Path(".bellrock")
    public_url: str | None = None
    content_url: str | None = None
    tls_certificate: Path | None = None
    """With ``tls_key`` (both PEM): the control plane speaks HTTPS by itself."""
    tls_key: Path | None = None
    trace_viewer: Path | None = None
    control_url: str | None = None
    database_url: str | None = None
    locations: Annotated[tuple[Location, ...], NoDecode] = ("eu-central-1", "us-east-1")
    concurrency: Annotated[int, Field(ge=1, le=64)] = 2

    # --- who
    api_key: SecretStr | None = None
    account_id: UUID | None = None

    # --- logs
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"

    # --- message bus
    nats_url: str | None = None
    nats_user: str | None = None
    location_key: SecretStr | None = None
    """A runner's key of its private location: with it and ``control_url`` it needs nothing else."""
    nats_token: SecretStr | None = None
    nats_server: Path | None = None
    nats_port: Port = 0
    nats_start_s: Seconds = 10
    nats_ping_s: Seconds = 5
    rpc_timeout_s: Seconds = 5
    cancel_signal_timeout_s: Seconds = 2
    offer_ack_wait_s: Seconds = 15

    # --- control loops
    heartbeat_s: Seconds = 2
    lease_s: Seconds = 15
    queue_time_s: Seconds = 86_400
    redispatch_after_s: Seconds = 10
    outbox_poll_s: Seconds = 1
    reaper_interval_s: Seconds = 0.5
    schedules: bool = True
    """Whether this server may be the one that runs checks on their schedules."""
    scheduler_lease_s: Annotated[float, Field(ge=1, le=30)] = 5
    tick_late_s: Seconds = 15
    """A scheduled run that could not be started for so long is missed, and not made up for."""
    tick_queue_s: Seconds = 360
    """A scheduled run that no runner takes for so long is lost."""
    location_gone_after_s: Seconds = 600
    """A location without a runner for so long is not scheduled until it has one again."""
    evidence_grace_s: Seconds = 120
    runner_gone_after_s: Seconds = 10
    completion_max_wait_s: Seconds = 30
    janitor_interval_s: Seconds = 300
    artifact_days: Annotated[float, Field(gt=0, le=36_500)] = 30
    """Files of runs are removed that many days after their run was final, or with its result."""
    result_days: Annotated[float, Field(gt=0, le=36_500)] = 90
    """Sessions are removed, with their runs and results, that many days after they ended."""
    heartbeat_event_days: Annotated[float, Field(ge=14, le=36_500)] = 90
    """Events of heartbeat monitors are removed after so many days; what is shown of them needs 14."""
    artifact_store_bytes: Annotated[int, Field(ge=0)] = 20 * 1024**3
    """Files of runs are removed, the oldest first, while there are more bytes than this."""

    # --- limits of the API
    rate_limit_requests: Annotated[int, Field(ge=1)] = 600
    rate_limit_window_s: Annotated[int, Field(ge=1)] = 60
    bundle_bytes: Annotated[int, Field(ge=1024)] = 100 * 1024**2
    public_badges: bool = False
    """Whether badges of checks and groups are shown without a key, to whoever knows or guesses an id."""

    # --- limits of a run
    install_s: Seconds = 300
    test_s: Seconds = 1_800
    memory_bytes: Annotated[int, Field(ge=64 * 1024**2)] = 3 * 1024**3
    processes: Annotated[int, Field(ge=16)] = 512
    disk_bytes: Annotated[int, Field(ge=1024**2)] = 2 * 1024**3
    output_bytes: Annotated[int, Field(ge=1024)] = 50 * 1024**2
    cpus: Annotated[float | None, Field(ge=0.01)] = None
    """Processors that a run may keep busy; as many as there are where not set."""
    artifact_bytes: Annotated[int, Field(ge=1024)] = 150 * 1024**2

    # --- runner
    runner_dir: Path | None = None
    isolation: Literal["auto", "bubblewrap", "unshare", "cgroup", "shepherd", "process-group"] = "auto"
    chromium: Path | None = None
    ffmpeg: Path | None = None
    node: Path | None = None
    dns_resolvers: Annotated[tuple[str, ...], NoDecode] = ("8.8.8.8", "1.1.1.1")
    """Who DNS monitors ask that name no server, in this order."""
    dns_system_resolver: bool = True
    """Whether they ask the machine's own resolver after those."""
    install_variables: Annotated[tuple[str, ...], NoDecode] = (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "npm_config_registry",
        "NPM_CONFIG_REGISTRY",
        "NODE_EXTRA_CA_CERTS",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_FIND_LINKS",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_CERT",
        "SSL_CERT_FILE",
    )
    """Variables of the runner's own environment that installs get, and suites do not."""
    network: Literal["open", "closed"] = "open"
    """Whether runs may reach what neither list names."""
    network_allow: Annotated[tuple[str, ...], NoDecode] = ()
    network_deny: Annotated[tuple[str, ...], NoDecode] = ()
    platform_addresses: Annotated[tuple[str, ...], NoDecode] = ()
    """Where parts of the platform listen beside NATS: refused to runs where that can be kept."""
    transfer_timeout_s: Seconds = 60
    evidence_s: Seconds = 90
    live_interval_s: Seconds = 0.1
    live_batch_events: Annotated[int, Field(ge=1, le=5_000)] = 500
    live_batch_bytes: Annotated[int, Field(ge=1024, le=900_000)] = 256 * 1024
    live_pending_events: Annotated[int, Field(ge=100)] = 5_000
    dependency_cache_bytes: Annotated[int, Field(ge=0)] = 5 * 1024**3
    bundle_cache_bytes: Annotated[int, Field(ge=0)] = 1024**3
    cache_prune_interval_s: Seconds = 3_600

    # --- the cancel ladder: how long each step may take before the next one
    cancel_interrupt_s: Seconds = 1.2
    cancel_kill_browsers_s: Seconds = 0.8
    cancel_kill_workers_s: Seconds = 0.5
    cancel_interrupt_again_s: Seconds = 0.7
    cancel_hard_stop_s: Seconds = 3.2
    cancel_report_s: Seconds = 4.5

    # --- ending
    shutdown_grace_s: Seconds = 8
    shutdown_s: Seconds = 14

    @property
    def install_environment(self) -> dict[str, str]:
        """The variables that installs need on this machine, as far as they are set."""
        return {name: os.environ[name] for name in self.install_variables if name in os.environ}

    @field_validator(
        "locations",
        "install_variables",
        "network_allow",
        "network_deny",
        "platform_addresses",
        "dns_resolvers",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("dns_resolvers", mode="after")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_address(each)) for each in value)

    @field_validator("data_dir", "runner_dir", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.locations:
            raise ValueError("locations: name at least one")
        if self.lease_s < 2 * self.heartbeat_s:
            raise ValueError("lease_s must be at least twice heartbeat_s, or one lost heartbeat ends a run")
        if self.tick_late_s < 2 * self.scheduler_lease_s:
            raise ValueError(
                "tick_late_s must be at least twice scheduler_lease_s, or a scheduler that takes over from"
                " another has missed ticks"
            )
        if self.shutdown_grace_s >= self.shutdown_s:
            raise ValueError("shutdown_grace_s must be below shutdown_s, which includes it")
        return self


def load_settings(**chosen: object) -> Settings:
    """Settings from the environment, overruled by what was ``chosen`` (None means: not chosen).

    :raises SettingsError: names the variable and what is allowed.
    """
    _refuse_unknown(os.environ)
    values = _secrets_from_files(os.environ)
    values.update({name: value for name, value in chosen.items() if value is not None})
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error


def _refuse_unknown(variables: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in _SECRETS}
    unknown = sorted(k for k in variables if k.startswith(PREFIX) and k not in known | _OF_THE_CLIENT)
    if unknown:
        raise SettingsError(
            f"unknown variable {', '.join(unknown)}: see `bellrock --help` for those that exist"
        )


def _secrets_from_files(variables: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in _SECRETS:
        variable = f"{PREFIX}{name.upper()}"
        path = variables.get(f"{variable}_FILE")
        if not path:
            continue
        if variables.get(variable):
            raise SettingsError(f"{variable} and {variable}_FILE are both set: set one")
        try:
            found[name] = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable}_FILE: cannot read {path}: {error}") from error
    return found


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        where = f"{PREFIX}{name.upper()}: " if name else ""
        lines.append(where + problem["msg"].removeprefix("Value error, "))
    return "; ".join(lines)
