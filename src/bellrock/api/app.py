"""The application: which routers there are, and what every request passes on its way to them.

    PingFront → BodyLimit → Authentication → router → services

A request without a good key is refused before its body is read. Pages are added by whoever
composes the server; they come after the API's own paths.
"""

from typing import Any

from fastapi import FastAPI

from bellrock import __version__
from bellrock.api import (
    artifacts,
    cli_wire,
    errors,
    health,
    import_plans,
    metrics,
    mqtt,
    not_built,
    older_clients,
    runner,
    runner_bus,
)
from bellrock.api.auth import Authentication
from bellrock.api.config import ApiConfig
from bellrock.api.document import ApiDocument
from bellrock.api.errors import ErrorBody
from bellrock.api.pings import PingFront
from bellrock.api.rate_limit import RateLimiter
from bellrock.api.request_bodies import BodyLimit
from bellrock.api.v1 import (
    accounts,
    alert_channels,
    analytics,
    badges,
    catalog,
    check_alerts,
    check_groups,
    check_results,
    check_sessions,
    check_statuses,
    checks,
    client_certificates,
    dashboard_incidents,
    dashboards,
    error_groups,
    heartbeats,
    maintenance_windows,
    maintenances,
    members,
    private_locations,
    projects,
    reporting,
    session_error_groups,
    snippets,
    status_page_incidents,
    status_page_subscriptions,
    status_pages,
    test_sessions,
    triggers,
    unrecorded_sessions,
    variables,
)
from bellrock.api.v2 import check_groups as check_groups_v2
from bellrock.api.v2 import check_results as check_results_v2
from bellrock.api.v2 import check_sessions as check_sessions_v2
from bellrock.api.v2 import checks as checks_v2
from bellrock.api.v3 import checks as checks_v3
from bellrock.services.platform import Platform

_DESCRIPTION = (
    "Run Playwright suites as sessions, watch them live, and stop them. "
    "Every error has the same body; its message names what was wrong and what is allowed."
)
_ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": ErrorBody, "description": "An error"}}


def create_app(platform: Platform, config: ApiConfig | None = None) -> FastAPI:
    """The API over a platform that is open already; the caller keeps it open and closes it."""
    config = config or ApiConfig()
    app = _routed()
    app.state.platform = platform
    app.state.api_config = config
    errors.install(app)
    limiter = RateLimiter(config.rate_limits)
    app.state.rate_limiter = limiter
    app.add_middleware(Authentication, platform=platform, limiter=limiter, public_badges=config.public_badges)
    app.add_middleware(BodyLimit, max_bytes=config.max_body_bytes)
    app.add_middleware(PingFront, pings=platform.pings)
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document that every server of this version serves at /openapi.json."""
    return ApiDocument(_routed()).content()


def _routed() -> FastAPI:
    app = FastAPI(
        title="Bellrock",
        version=__version__,
        description=_DESCRIPTION,
        responses=_ERRORS,
        openapi_url=None,  # `ApiDocument`
        docs_url=None,
        redoc_url=None,
        strict_content_type=False,
    )
    _include_routers(app)
    app.add_route("/openapi.json", ApiDocument(app).answer, include_in_schema=False)
    return app


def _include_routers(app: FastAPI) -> None:
    sessions = (check_sessions, test_sessions, unrecorded_sessions)
    configuration = (
        variables,
        snippets,
        client_certificates,
        private_locations,
        check_groups,
        check_groups_v2,
    )
    kept = (
        alert_channels,
        dashboard_incidents,
        dashboards,
        maintenance_windows,
        maintenances,
        status_page_incidents,  # its paths come before those of pages, which take any word
        status_page_subscriptions,
        status_pages,
    )
    checked = (check_results, heartbeats, checks, projects, accounts, catalog)
    reading = (
        check_statuses,
        analytics,
        reporting,
        badges,
        members,
        error_groups,
        session_error_groups,
        check_alerts,
        triggers,
    )
    versions = (*sessions, *checked, *configuration, *kept, *reading)
    for part in (*versions, check_sessions_v2, check_results_v2, checks_v2, checks_v3):
        app.include_router(part.router)
    for part in (artifacts, cli_wire, import_plans, older_clients, mqtt, runner, runner_bus, health, metrics):
        app.include_router(part.router)
    app.include_router(not_built.router())
