"""Projects that nothing was deployed to yet, and the list of all."""

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Conflict
from bellrock.domain.projects import project_id_of
from bellrock.services.platform import Platform
from bellrock.services.projects import Project
from bellrock.services.work import unit_of_work
from bellrock.store.projects import StoredProject, insert_new_project, projects_of


async def create_project(
    platform: Platform, principal: Principal, *, logical_id: str, name: str, repo_url: str | None
) -> Project:
    """An empty project. Raises Conflict where there is one of that logical id. Needs EDIT."""
    principal.must(Right.EDIT)
    async with unit_of_work(platform) as work:
        project_id = project_id_of(principal.account_id, logical_id)
        stored = StoredProject(project_id, principal.account_id, logical_id, name, repo_url, work.at)
        if not await insert_new_project(work.connection, stored):
            raise Conflict(f"There already is a project {logical_id!r}.")
    return _shown(stored)


async def list_projects(platform: Platform, principal: Principal) -> list[Project]:
    """The account's projects, by logical id. Needs VIEW."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        return [_shown(each) for each in await projects_of(connection, principal.account_id)]


def _shown(stored: StoredProject) -> Project:
    return Project(
        stored.id, stored.logical_id, stored.name, stored.repo_url, stored.created_at, stored.updated_at
    )
