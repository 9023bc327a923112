"""Client certificates: checked when they are saved, their private keys sealed and never returned."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.certificates import ClientCertificate
from bellrock.domain.errors import Invalid, NotFound
from bellrock.domain.specs import HostCertificate
from bellrock.services.ids import new_id
from bellrock.services.platform import Platform
from bellrock.store import client_certificates as store
from bellrock.store.vault import Vault

log = structlog.get_logger(__name__)

_HOST = re.compile(r"[A-Za-z0-9_*.-]{1,253}(:[0-9]{1,5})?")
_MOST_WILDCARDS = 3  # many of them make a pattern that takes forever to say no
_LONGEST_PEM = 65_536


@dataclass(frozen=True, slots=True)
class CertificateDraft:
    """A certificate as somebody wants it. Texts are PEM; an empty one counts as not said."""

    host: str
    certificate: str
    authority: str | None = None
    key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What only a run may see of a certificate."""

    key: str = field(repr=False)
    passphrase: str | None = field(default=None, repr=False)


_PRIVATE_KEY = TypeAdapter(PrivateKey)


async def create_certificate(
    platform: Platform, principal: Principal, draft: CertificateDraft
) -> ClientCertificate:
    """Save a certificate. Raises Invalid naming the field. Needs EDIT."""
    principal.must(Right.EDIT)
    # Away from the loop: an encrypted key says itself how much work it is to open.
    await asyncio.to_thread(_refuse_bad, draft)
    made = ClientCertificate(
        id=new_id(),
        account_id=principal.account_id,
        host=draft.host,
        certificate=draft.certificate,
        created_at=platform.clock(),
        authority=draft.authority or None,
    )
    sealed = None
    if draft.key:
        private = PrivateKey(draft.key, draft.passphrase or None)
        sealed = platform.vault.seal(_PRIVATE_KEY.dump_python(private, mode="json"))
    async with platform.database.write() as connection:
        await store.insert_certificate(connection, made, sealed_key=sealed)
    log.info("certificate.created", certificate_id=str(made.id), host=made.host, by=str(principal.key_id))
    return made


async def get_certificate(
    platform: Platform, principal: Principal, certificate_id: UUID
) -> ClientCertificate:
    """One certificate, without its private key. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        found = await store.load_certificate(connection, principal.account_id, certificate_id)
    if found is None:
        raise _not_found(certificate_id)
    return found


async def list_certificates(platform: Platform, principal: Principal) -> tuple[ClientCertificate, ...]:
    """All certificates of the account, oldest first, without their private keys."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        return tuple(await store.certificates_of(connection, principal.account_id))


async def delete_certificate(platform: Platform, principal: Principal, certificate_id: UUID) -> None:
    """Delete a certificate. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        if not await store.delete_certificate(connection, principal.account_id, certificate_id):
            raise _not_found(certificate_id)
    log.info("certificate.deleted", certificate_id=str(certificate_id), by=str(principal.key_id))


async def certificates_for_run(
    connection: AsyncConnection, vault: Vault, account_id: UUID
) -> tuple[HostCertificate, ...]:
    """The account's certificates, oldest first, with their keys in clear: for runs alone."""
    found = []
    for each, sealed in await store.certificates_with_keys(connection, account_id):
        private = None if sealed is None else _PRIVATE_KEY.validate_python(vault.open(sealed))
        found.append(
            HostCertificate(
                each.host,
                each.certificate,
                private.key if private else "",
                ca=each.authority or "",
                passphrase=(private.passphrase if private else None) or "",
                id=str(each.id),
            )
        )
    return tuple(found)


def _refuse_bad(draft: CertificateDraft) -> None:
    if not _HOST.fullmatch(draft.host) or draft.host.count("*") > _MOST_WILDCARDS:
        raise Invalid(
            "host: use the name of a host and perhaps a port, with "
            f"at most {_MOST_WILDCARDS} times '*' for any characters."
        )
    parts = {"cert": draft.certificate, "ca": draft.authority, "key": draft.key}
    for name, text in parts.items():
        if text and len(text) > _LONGEST_PEM:
            raise Invalid(f"{name}: use at most {_LONGEST_PEM} characters.")
    certificate = _certificates("cert", draft.certificate)[0]
    if draft.authority:
        _certificates("ca", draft.authority)
    if draft.key:
        _refuse_bad_key(draft.key, draft.passphrase, certificate)
    elif draft.passphrase:
        raise Invalid("passphrase: it opens a key, and there is no key.")


def _certificates(name: str, text: str) -> Sequence[Certificate]:
    if "PRIVATE KEY" in text:
        raise Invalid(
            f"{name}: only certificates. A private key belongs into 'key', where it is kept secret."
        )
    try:
        return load_pem_x509_certificates(text.encode())
    except ValueError:
        raise Invalid(f"{name}: use one or more certificates as PEM (-----BEGIN CERTIFICATE-----).") from None


def _refuse_bad_key(key: str, passphrase: str | None, certificate: Certificate) -> None:
    try:
        private = load_pem_private_key(key.encode(), passphrase.encode() if passphrase else None)
    except TypeError:
        wrong = "the key is not encrypted" if passphrase else "the key is encrypted and needs one"
        raise Invalid(f"passphrase: {wrong}.") from None
    except (ValueError, UnsupportedAlgorithm):
        hint = " that this passphrase opens" if passphrase else ""
        raise Invalid(f"key: use a private key as PEM (-----BEGIN PRIVATE KEY-----){hint}.") from None
    if private.public_key() != certificate.public_key():
        raise Invalid("key: this is not the private key of the (first) certificate in 'cert'.")


def _not_found(certificate_id: UUID) -> NotFound:
    return NotFound(f"There is no client certificate {certificate_id}.")
