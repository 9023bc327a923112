"""The options that `test`, `trigger` and `pw-test` share, and what they mean to the API."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from bellrock.domain.errors import Invalid

ReporterName = Literal["list", "dot", "json", "junit", "github"]
NEED_RESULTS: tuple[ReporterName, ...] = ("json", "junit", "github")
RETRIES_AT_MOST = 3

_VARIABLE = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)=(.*)$", re.DOTALL)
_FILE_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run, and how to show it.

    Parameters
    ----------
    location
        Where all runs of the session are executed.
    env
        A variable for the suites, as NAME=VALUE; may be repeated.
    env_file
        A file of such lines.
    reporter
        list, dot, json, junit or github; may be repeated.
    output
        Where json or junit go instead of standard output: a file, or a folder where there are both.
    record
        --no-record keeps the session off the lists; such a run cannot be cancelled.
    detach
        Start the session, say its id and leave.
    retries
        How often a failed check is tried again (0 to 3).
    timeout_s
        Seconds to wait for the session's end.
    refresh_cache
        Install dependencies anew.
    session_name
        The session's name on pages.
    """

    location: Annotated[str, Parameter(("--location", "-l"))] = "eu-central-1"
    env: Annotated[list[str] | None, Parameter(("--env", "-e"), negative="")] = None
    env_file: Path | None = None
    reporter: Annotated[list[ReporterName] | None, Parameter(("--reporter", "-r"), negative="")] = None
    output: Annotated[Path | None, Parameter(("--output", "-o"))] = None
    record: bool = True
    detach: Annotated[bool, Parameter(("--detach", "-d"), negative="")] = False
    retries: int = 0
    timeout_s: Annotated[float | None, Parameter("--timeout")] = None
    refresh_cache: Annotated[bool, Parameter(negative="")] = False
    session_name: Annotated[str | None, Parameter(("--session-name", "-n"))] = None

    @property
    def reporters(self) -> tuple[ReporterName, ...]:
        """The reporters, in the order given, each once."""
        return tuple(dict.fromkeys(self.reporter or ("list",)))

    def check(self) -> None:
        """Raise Invalid for options that do not go together, before anything is started."""
        waiting = [name for name in self.reporters if name in NEED_RESULTS]
        if self.detach and waiting:
            message = f"--detach leaves before there are results, which the reporter {waiting[0]} needs."
            raise Invalid(message)
        if not 0 <= self.retries <= RETRIES_AT_MOST:
            raise Invalid(f"--retries must be from 0 to {RETRIES_AT_MOST}, not {self.retries}.")
        if self.timeout_s is not None and self.timeout_s <= 0:
            raise Invalid("--timeout must be a number of seconds above 0.")
        if self.output is not None and not {"json", "junit"} & set(self.reporters):
            raise Invalid("--output needs the reporter json or junit.")

    def variables(self) -> list[dict[str, object]]:
        """The variables of --env-file, then those of -e, which win. Locked, as the API knows them."""
        values = read_env_file(self.env_file) if self.env_file else {}
        for text in self.env or ():
            match = _VARIABLE.match(text)
            if match is None:
                raise Invalid(f"--env takes NAME=VALUE, not {text!r}.")
            values[match.group(1)] = match.group(2)
        return [{"key": key, "value": value, "locked": True} for key, value in values.items()]

    def run_location(self) -> dict[str, object]:
        """The location as the API takes it."""
        return {"type": "PUBLIC", "region": self.location}

    def retry_strategy(self) -> dict[str, object] | None:
        """The retries as the API takes them."""
        if not self.retries:
            return None
        return {
            "type": "FIXED",
            "baseBackoffSeconds": 0,
            "maxRetries": self.retries,
            "maxDurationSeconds": 600,
            "sameRegion": True,
        }


def read_env_file(path: Path) -> dict[str, str]:
    """Variables of a file of NAME=VALUE lines; `#` begins a comment line, quotes around a value go."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"--env-file: {path} cannot be read: {error}") from error
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _FILE_LINE.match(line)
        if match is None:
            raise Invalid(f"{path}:{number}: must be NAME=VALUE.")
        values[match.group(1)] = _unquoted(match.group(2))
    return values


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def tag_groups(tags: Sequence[str] | None) -> tuple[tuple[str, ...], ...]:
    """--tags as groups: a comma means AND, a repeated option OR."""
    return tuple(tuple(word.strip() for word in group.split(",") if word.strip()) for group in tags or ())
