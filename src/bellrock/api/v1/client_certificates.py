"""Client certificates: saved and deleted, never changed; their private keys are never returned."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.base import Answer, Ask, SnakeCreated
from bellrock.domain.certificates import ClientCertificate
from bellrock.services import client_certificates

router = APIRouter(prefix="/v1/client-certificates", tags=["Client certificates"])


class CertificateAsk(Ask):
    """A certificate as it is saved. All but ``host`` and ``passphrase`` are PEM."""

    host: Annotated[str, Field(min_length=1)]
    cert: Annotated[str, Field(min_length=1)]
    ca: str | None = None
    key: Annotated[str | None, Field(repr=False)] = None
    passphrase: Annotated[str | None, Field(repr=False)] = None


class CertificateBody(Answer):
    """A certificate, without its private key."""

    id: UUID
    host: str
    cert: str
    ca: str | None
    created_at: SnakeCreated


def _body(certificate: ClientCertificate) -> CertificateBody:
    return CertificateBody(
        id=certificate.id,
        host=certificate.host,
        cert=certificate.certificate,
        ca=certificate.authority,
        created_at=certificate.created_at,
    )


@router.get("")
async def list_certificates(platform: PlatformOf, caller: Caller) -> list[CertificateBody]:
    """List all certificates, oldest first."""
    return [_body(each) for each in await client_certificates.list_certificates(platform, caller)]


@router.post("", status_code=201)
async def create_certificate(
    platform: PlatformOf, caller: EditCaller, body: CertificateAsk
) -> CertificateBody:
    """Save a certificate for the hosts that ``host`` names."""
    draft = client_certificates.CertificateDraft(
        body.host, body.cert, body.ca, key=body.key, passphrase=body.passphrase
    )
    return _body(await client_certificates.create_certificate(platform, caller, draft))


@router.get("/{id}")
async def get_certificate(
    id: UUID,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
) -> CertificateBody:
    """One certificate."""
    return _body(await client_certificates.get_certificate(platform, caller, id))


@router.delete("/{id}", status_code=204)
async def delete_certificate(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a certificate."""
    await client_certificates.delete_certificate(platform, caller, id)
    return Response(status_code=204)
