"""The part of the contract that this version does not have, and the answer to who asks for it.

A client that knows the contract gets a clear 501 instead of a 404 that looks like a wrong id.
An entry leaves this list when its route is built.
"""

from fastapi import APIRouter, Request

from bellrock.domain.errors import NotBuilt

_NOT_BUILT = """
GET /v1/accounts/me/members
GET /v1/accounts/me/entitlements
GET /v1/accounts/{accountId}/members
GET /v1/accounts/{accountId}/entitlements
PATCH DELETE /v1/accounts/me/members/{userId}
PATCH DELETE /v1/accounts/{accountId}/members/{userId}
GET POST /v1/alert-channels
GET PUT DELETE /v1/alert-channels/{id}
PUT /v1/alert-channels/{id}/subscriptions
GET /v1/alert-notifications
POST /v1/analytics/checks
GET /v1/analytics/metrics
GET /v1/analytics/{kind}/{id}
GET /v1/badges/checks/{checkId}
GET /v1/badges/groups/{groupId}
GET /v1/check-alerts
GET /v1/check-alerts/{checkId}
GET /v1/check-statuses
GET /v1/check-statuses/{checkId}
POST /v1/checks/{kind}
PUT /v1/checks/{kind}/{id}
GET POST /v1/dashboards
GET PUT DELETE /v1/dashboards/{dashboardId}
GET POST /v1/deployment-triggers
GET /v1/error-groups
GET /v1/error-groups/checks/{checkId}
GET PATCH /v1/error-groups/{id}
POST /v1/incidents
GET PUT DELETE /v1/incidents/{id}
POST /v1/incidents/{incidentId}/updates
PUT DELETE /v1/incidents/{incidentId}/updates/{id}
GET POST /v1/maintenance-windows
GET PUT DELETE /v1/maintenance-windows/{id}
GET /v1/maintenance-windows/{id}/maintenances
GET PATCH DELETE /v1/maintenance-windows/{id}/maintenances/{maintenanceId}
POST /v1/maintenance-windows/{id}/maintenances/{maintenanceId}/updates
PUT DELETE /v1/maintenance-windows/{id}/maintenances/{maintenanceId}/updates/{updateId}
GET /v1/reporting
POST /v1/root-cause-analyses/error-groups/{errorGroupId}
POST /v1/root-cause-analyses/test-session-error-groups/{testSessionErrorGroupId}
GET /v1/root-cause-analyses/{id}
GET /v1/secret-scans
GET POST /v1/status-pages
GET POST /v1/status-pages/incidents
GET PUT DELETE /v1/status-pages/incidents/{incidentId}
GET POST /v1/status-pages/incidents/{incidentId}/incident-updates
GET PUT DELETE /v1/status-pages/incidents/{incidentId}/incident-updates/{incidentUpdateId}
GET POST /v1/status-pages/services
GET PUT DELETE /v1/status-pages/services/{serviceId}
GET PUT DELETE /v1/status-pages/{statusPageId}
GET /v1/status-pages/{statusPageId}/subscriptions
POST /v1/status-pages/{statusPageId}/subscriptions/bulk
DELETE /v1/status-pages/{statusPageId}/subscriptions/{subscriptionId}
GET /v1/test-session-error-groups
GET /v1/test-session-error-groups/projects/{projectId}
GET PATCH /v1/test-session-error-groups/{id}
GET POST DELETE /v1/triggers/check-groups/{groupId}
GET POST DELETE /v1/triggers/checks/{checkId}
POST /v1/projects/{logicalId}/deployments/{deploymentId}/cancel
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
