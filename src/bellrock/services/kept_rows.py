"""Kept things between service and store: their secret parts sealed and opened, new ones made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from bellrock.domain.kept import SECRET_FIELDS, KeptKind, KeptResource
from bellrock.services.ids import new_id
from bellrock.services.platform import Platform
from bellrock.store.kept_resources import StoredKept
from bellrock.store.vault import Vault


def sealed(vault: Vault, resource: KeptResource) -> StoredKept:
    """A thing as it is stored."""
    secret_names = SECRET_FIELDS.get(resource.kind, ())
    secret = {name: resource.body[name] for name in secret_names if name in resource.body}
    body = {name: value for name, value in resource.body.items() if name not in secret}
    return StoredKept(replace(resource, body=body), vault.seal(secret) if secret else None)


def opened(vault: Vault, stored: StoredKept) -> KeptResource:
    """A thing with its whole body in clear."""
    if stored.sealed_body is None:
        return stored.resource
    secret = vault.open(stored.sealed_body)
    assert isinstance(secret, dict)  # noqa: S101  (as it was sealed)
    return replace(stored.resource, body={**stored.resource.body, **secret})


def new_kept(
    platform: Platform,
    account_id: UUID,
    kind: KeptKind,
    body: Mapping[str, Any],
    *,
    project_id: str | None = None,
    logical_id: str | None = None,
) -> KeptResource:
    """A thing to be inserted, which gives it its number."""
    return KeptResource(
        id=new_id(),
        account_id=account_id,
        kind=kind,
        body=body,
        created_at=platform.clock(),
        project_id=project_id,
        logical_id=logical_id,
    )
