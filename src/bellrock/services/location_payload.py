"""A private location as a deploy says it."""

from collections.abc import Mapping

from pydantic import ValidationError

from bellrock.domain.errors import Invalid
from bellrock.services.bad_input import first_problem
from bellrock.services.check_payload.common import Payload


class LocationPayload(Payload):
    """A private location."""

    name: str
    slug_name: str
    icon: str = "location"
    proxy_url: str | None = None


def location_payload(payload: Mapping[str, object], *, where: str) -> LocationPayload:
    """The payload, read. Raises Invalid naming ``where`` and the field."""
    try:
        return LocationPayload.model_validate(dict(payload))
    except ValidationError as error:
        raise Invalid(where + first_problem(error)) from error
