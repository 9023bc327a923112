"""The contract's payloads of kept things: what a deploy and the API say is read by the same models."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bellrock.domain.errors import Invalid
from bellrock.domain.kept import KeptKind
from bellrock.services.bad_input import first_problem
from bellrock.services.kept_payload.alert_channels import AlertChannelPayload
from bellrock.services.kept_payload.common import KeptPayload
from bellrock.services.kept_payload.dashboards import DashboardPayload
from bellrock.services.kept_payload.maintenance_windows import MaintenanceWindowPayload
from bellrock.services.kept_payload.status_pages import ServicePayload, StatusPagePayload, shape_of_page
from bellrock.services.storable import refuse_unstorable

SHAPES: Mapping[KeptKind, type[KeptPayload]] = {
    KeptKind.ALERT_CHANNEL: AlertChannelPayload,
    KeptKind.DASHBOARD: DashboardPayload,
    KeptKind.MAINTENANCE_WINDOW: MaintenanceWindowPayload,
    KeptKind.STATUS_PAGE: StatusPagePayload,
    KeptKind.STATUS_PAGE_SERVICE: ServicePayload,
}
"""The payloads of kinds whose fields the contract tells; others are kept as they come."""


def kept_body(kind: KeptKind, payload: Mapping[str, Any], *, where: str = "") -> dict[str, Any]:
    """What is kept of a payload: all of it, with the contract's defaults.

    Raises Invalid naming ``where`` + field and what is allowed.
    """
    shape = shape_of_page(payload) if kind is KeptKind.STATUS_PAGE else SHAPES.get(kind)
    try:
        if shape is None:
            refuse_unstorable(payload)
            return dict(payload)
        return shape.model_validate(dict(payload)).body()
    except ValidationError as error:
        raise Invalid(where + first_problem(error)) from error
    except ValueError as error:
        raise Invalid(f"{where}{error}.") from error
