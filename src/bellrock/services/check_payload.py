"""The contract's check payloads (camelCase JSON) as drafts: for deploys and for inline jobs."""

from collections.abc import Mapping

from bellrock.domain.checks import CheckType
from bellrock.domain.errors import NotBuilt
from bellrock.services.checks import CheckDraft


def check_type_of(payload: Mapping[str, object]) -> CheckType:
    """The payload's `checkType`. Raises Invalid for a word that is no type, NotBuilt for later ones."""
    raise NotBuilt("payloads")


def draft_from_payload(payload: Mapping[str, object], *, where: str = "") -> CheckDraft:
    """The draft a payload describes. Raises Invalid naming ``where`` + field and what is allowed."""
    raise NotBuilt("payloads")
