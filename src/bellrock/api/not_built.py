"""The part of the contract that this version does not have, and the answer to who asks for it.

A client that knows the contract gets a clear 501 instead of a 404 that looks like a wrong id.
An entry leaves this list when its route is built.
"""

from fastapi import APIRouter, Request

from bellrock.domain.errors import NotBuilt

_NOT_BUILT = """
GET POST /v1/deployment-triggers
PATCH DELETE /v1/maintenance-windows/{id}/maintenances/{maintenanceId}
POST /v1/maintenance-windows/{id}/maintenances/{maintenanceId}/updates
PUT DELETE /v1/maintenance-windows/{id}/maintenances/{maintenanceId}/updates/{updateId}
POST /v1/root-cause-analyses/error-groups/{errorGroupId}
POST /v1/root-cause-analyses/test-session-error-groups/{testSessionErrorGroupId}
GET /v1/root-cause-analyses/{id}
GET /v1/secret-scans
POST /v1/status-pages/{statusPageId}/subscriptions/bulk
GET /v1/usage/series
GET /v1/usage/summary
GET /v1/usage/terms
"""


def not_built_routes() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every path that answers 501, with its methods."""
    routes = []
    for line in _NOT_BUILT.split("\n"):
        *methods, path = line.split() or [""]
        if path:
            routes.append((path, tuple(methods)))
    return tuple(routes)


async def _answer(request: Request) -> None:
    said = f"{request.method} {request.scope['route'].path} is not part of this version of Bellrock yet."
    raise NotBuilt(said, code="NOT_BUILT")


def router() -> APIRouter:
    """Routes for what is not built. To be included after all that is: the first match answers."""
    routes = APIRouter(include_in_schema=False)
    for path, methods in not_built_routes():
        routes.add_api_route(path, _answer, methods=list(methods))
    return routes
