"""What all parts of a project are made of."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

LOGICAL_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"
LogicalId = Annotated[str, StringConstraints(pattern=LOGICAL_ID)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Word = Annotated[str, StringConstraints(min_length=1)]
Location = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Frequency = Literal[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440]


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
    test_command: Word = Field(
        default="npx playwright test", description="Shell words that run the suite, such as pytest."
    )


class NamedCheck(CommonFields):
    """The part of a check that cannot come from `defaults`."""

    name: Word | None = Field(default=None, description="What people call the check; its id by default.")
    description: str | None = Field(default=None, max_length=500)
