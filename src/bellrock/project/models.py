"""The shape of a project: one set of models for bellrock.yaml, bellrock_project.py and the JSON schema."""

from collections.abc import Mapping

from pydantic import Field

from bellrock.project.checks import (
    AnyCheck,
    BrowserCheck,
    Check,
    HeartbeatCheck,
    MultistepCheck,
    PlaywrightCheck,
)
from bellrock.project.parts import CommonFields, LogicalId, Part, PlaywrightFields, Word

DEFAULT_LOCATION = "eu-central-1"


class Defaults(CommonFields, PlaywrightFields):
    """Values for every check of the project that does not say otherwise."""


class Project(Part):
    """A project: checks by their logical ids, which stay the same when names change."""

    id: LogicalId
    name: Word
    defaults: Defaults = Defaults()
    checks: dict[LogicalId, Check] = Field(min_length=1)

    def resolved_checks(self) -> Mapping[str, AnyCheck]:
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


def _resolve(check: AnyCheck, defaults: Defaults) -> AnyCheck:
    known = set(type(check).model_fields)
    inherited: dict[str, object] = {
        name: getattr(defaults, name)
        for name in defaults.model_fields_set & known
        if name not in check.model_fields_set
    }
    if isinstance(check, PlaywrightCheck | BrowserCheck | MultistepCheck) and check.environment:
        inherited["environment"] = {**defaults.environment, **check.environment}
    if not isinstance(check, HeartbeatCheck) and not (check.locations or inherited.get("locations")):
        inherited["locations"] = (DEFAULT_LOCATION,)
    return check.model_copy(update=inherited)
