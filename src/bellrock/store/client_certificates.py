"""Client certificates in SQL. Private keys are sealed by the caller and read only to be used."""

from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.certificates import ClientCertificate
from bellrock.store.config_tables import client_certificates

_SHOWN = [column for column in client_certificates.c if column.name != "sealed_key"]


async def insert_certificate(
    connection: AsyncConnection, certificate: ClientCertificate, *, sealed_key: str | None
) -> None:
    """Insert a certificate with its sealed key."""
    values = {column.name: getattr(certificate, column.name) for column in _SHOWN}
    await connection.execute(insert(client_certificates).values(**values, sealed_key=sealed_key))


async def certificates_of(connection: AsyncConnection, account_id: UUID) -> list[ClientCertificate]:
    """The account's certificates, oldest first."""
    query = select(*_SHOWN).where(client_certificates.c.account_id == account_id)
    found = await connection.execute(
        query.order_by(client_certificates.c.created_at, client_certificates.c.id)
    )
    return [ClientCertificate(**row._mapping) for row in found]  # noqa: SLF001


async def load_certificate(
    connection: AsyncConnection, account_id: UUID, certificate_id: UUID
) -> ClientCertificate | None:
    """A certificate of the account, or None."""
    of = (client_certificates.c.account_id == account_id, client_certificates.c.id == certificate_id)
    row = (await connection.execute(select(*_SHOWN).where(*of))).one_or_none()
    return None if row is None else ClientCertificate(**row._mapping)  # noqa: SLF001


async def certificates_with_keys(
    connection: AsyncConnection, account_id: UUID
) -> list[tuple[ClientCertificate, str | None]]:
    """The account's certificates with their sealed private keys, oldest first."""
    query = select(*_SHOWN, client_certificates.c.sealed_key).where(
        client_certificates.c.account_id == account_id
    )
    found = await connection.execute(
        query.order_by(client_certificates.c.created_at, client_certificates.c.id)
    )
    rows = [dict(row._mapping) for row in found]  # noqa: SLF001
    return [(ClientCertificate(**row), sealed) for row in rows for sealed in [row.pop("sealed_key")]]


async def delete_certificate(connection: AsyncConnection, account_id: UUID, certificate_id: UUID) -> bool:
    """Delete a certificate. False: there was none."""
    of = (client_certificates.c.account_id == account_id, client_certificates.c.id == certificate_id)
    return (await connection.execute(delete(client_certificates).where(*of))).rowcount == 1
