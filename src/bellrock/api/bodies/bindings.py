"""Which project a thing belongs to, as the contract says it."""

from collections.abc import Mapping
from typing import Protocol

from bellrock.api.bodies.base import Answer
from bellrock.services.projects import Project

Projects = Mapping[str, Project]
"""The account's projects by logical id."""


class Deployable(Protocol):
    """Anything that a project may own."""

    @property
    def project_id(self) -> str | None:
        """The project's logical id."""

    @property
    def logical_id(self) -> str | None:
        """Its own, in the project."""


class BoundProject(Answer):
    """A project."""

    id: str
    logical_id: str
    name: str


class Binding(Answer):
    """What the project calls the thing. It is never ``pending``: a deploy is all or nothing."""

    logical_id: str
    pending: bool = False


class Owner(Answer):
    """The project that a thing is deployed from."""

    project: BoundProject
    binding: Binding


class ProjectBindings(Answer):
    """The project that owns a thing, if one does. Who refers to it is not kept."""

    owner: Owner | None
    references: tuple[()] = ()


def bindings(thing: Deployable, projects: Projects) -> ProjectBindings:
    """The bindings of a thing."""
    project = projects.get(thing.project_id) if thing.project_id else None
    if project is None or thing.logical_id is None:
        return ProjectBindings(owner=None)
    bound = BoundProject(id=str(project.id), logical_id=project.logical_id, name=project.name)
    return ProjectBindings(owner=Owner(project=bound, binding=Binding(logical_id=thing.logical_id)))
