"""The shape of a project: one set of models for bellrock.yaml, bellrock_project.py and the JSON schema."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

LOGICAL_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"
LogicalId = Annotated[str, StringConstraints(pattern=LOGICAL_ID)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Word = Annotated[str, StringConstraints(min_length=1)]
Location = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Frequency = Literal[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440]

DEFAULT_LOCATION = "eu-central-1"


class Part(BaseModel):
    """Base of all parts of a project: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Variable(Part):
    """An environment variable: a value, or the name of one to take from the deploying machine."""

    value: str | None = Field(default=None, repr=False, description="The value itself.")
    from_env: VariableName | None = Field(
        default=None, description="Take the value from this variable of the machine that deploys."
    )
    locked: bool = Field(default=False, description="Hide the value on pages.")
    secret: bool = Field(default=False, description="Encrypt the value, and never show it again.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.from_env is None):
            raise ValueError("needs either 'value' or 'from_env', and not both")
        return self


def _variable(given: object) -> object:
    return {"value": given} if isinstance(given, str) else given


EnvironmentValue = Annotated[Variable, BeforeValidator(_variable, json_schema_input_type=str | Variable)]
Environment = dict[VariableName, EnvironmentValue]


class CommonFields(Part):
    """What every check has. A check that leaves one out takes it from `defaults`."""

    activated: bool = Field(default=True, description="Whether the schedule runs the check.")
    muted: bool = Field(default=False, description="Whether alerts of the check are kept back.")
    tags: tuple[Word, ...] = Field(default=(), description="Words to find and trigger the check by.")
    locations: tuple[Location, ...] = Field(default=(), description="Where the check runs.")
    frequency: Frequency = Field(default=10, description="Minutes between scheduled runs.")
    run_parallel: bool = Field(
        default=False, description="Run at all locations at once instead of one after the other."
    )


class PlaywrightFields(Part):
    """What every Playwright suite has besides. Also open to `defaults`."""

    environment: Environment = Field(default={}, description="Variables of the suite's processes.")
    install_command: str = Field(
        default="", description="Shell words that install the dependencies; empty: by the lock file."
    )
    test_command: Word = Field(default="npx playwright test", description="Shell words that run the suite.")


class NamedCheck(CommonFields):
    """The part of a check that cannot come from `defaults`."""

    name: Word | None = Field(default=None, description="What people call the check; its id by default.")
    description: str | None = Field(default=None, max_length=500)


class PlaywrightCheck(NamedCheck, PlaywrightFields):
    """A whole Playwright suite, run as one check."""

    type: Literal["playwright"] = "playwright"
    root: str = Field(
        default=".", description="Folder of package.json and the lock file, relative to this file."
    )
    config: str | None = Field(
        default=None, description="Playwright's config, relative to root; found by its name if left out."
    )
    projects: tuple[Word, ...] = Field(default=(), description="Playwright projects to run; all if empty.")
    playwright_tags: tuple[Word, ...] = Field(
        default=(), description="Run only tests with one of these Playwright tags."
    )
    include: tuple[Word, ...] = Field(
        default=(), description="Patterns of files to pack although .gitignore leaves them out."
    )


class StatusCode(Part):
    """An assertion on the status code of a URL check's answer."""

    comparison: Literal["EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN"] = "EQUALS"
    target: int = Field(ge=100, le=599)


class UrlCheck(NamedCheck):
    """A GET that must answer in time."""

    type: Literal["url"] = "url"
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    follow_redirects: bool = True
    skip_ssl: bool = Field(default=False, description="Do not verify certificates.")
    ip_family: Literal["IPv4", "IPv6"] = "IPv4"
    should_fail: bool = False
    degraded_response_time_ms: int = Field(default=3_000, ge=0, le=30_000)
    max_response_time_ms: int = Field(default=5_000, ge=0, le=30_000)
    assertions: tuple[StatusCode, ...] = ()


Check = Annotated[PlaywrightCheck | UrlCheck, Field(discriminator="type")]


class Defaults(CommonFields, PlaywrightFields):
    """Values for every check of the project that does not say otherwise."""


class Project(Part):
    """A project: checks by their logical ids, which stay the same when names change."""

    id: LogicalId
    name: Word
    defaults: Defaults = Defaults()
    checks: dict[LogicalId, Check] = Field(min_length=1)

    def resolved_checks(self) -> Mapping[str, PlaywrightCheck | UrlCheck]:
        """The checks with `defaults` applied: environments are merged by name, the rest is replaced."""
        return {logical_id: _resolve(check, self.defaults) for logical_id, check in self.checks.items()}


class ProjectIdentity(Part):
    """Who the project is."""

    id: LogicalId = Field(description="Stays the same for the life of the project.")
    name: Word


class ProjectFile(Part):
    """The content of bellrock.yaml."""

    project: ProjectIdentity
    defaults: Defaults = Defaults()
    checks: dict[LogicalId, Check] = Field(min_length=1, description="Checks by their logical ids.")

    def to_project(self) -> Project:
        """The same project as the Python model."""
        return Project(id=self.project.id, name=self.project.name, defaults=self.defaults, checks=self.checks)


def _resolve(check: PlaywrightCheck | UrlCheck, defaults: Defaults) -> PlaywrightCheck | UrlCheck:
    known = set(type(check).model_fields)
    inherited: dict[str, object] = {
        name: getattr(defaults, name)
        for name in defaults.model_fields_set & known
        if name not in check.model_fields_set
    }
    if isinstance(check, PlaywrightCheck) and check.environment:
        inherited["environment"] = {**defaults.environment, **check.environment}
    if not (check.locations or inherited.get("locations")):
        inherited["locations"] = (DEFAULT_LOCATION,)
    return check.model_copy(update=inherited)
