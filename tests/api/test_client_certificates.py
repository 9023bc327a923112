"""Client certificates: saved, read, deleted; their private keys are never said; who may."""

import pytest

from bellrock.domain.specs import HostCertificate
from bellrock.services.client_certificates import certificates_for_run
from bellrock.services.platform import Platform
from tests.support.api_client import Api, unknown_id
from tests.support.certificates import make_pair
from tests.support.roles import with_role

PAIR, OTHER = make_pair(), make_pair("other")
ENCRYPTED = make_pair(passphrase="open sesame")
BODY = {"host": "*.shop.example", "cert": PAIR.certificate, "key": PAIR.key, "ca": OTHER.certificate}
PATH = "/v1/client-certificates"


async def test_a_certificate_is_read_as_it_was_saved_without_its_private_key(api: Api) -> None:
    made = await api.post(PATH, BODY)
    assert {name: made[name] for name in ("host", "cert", "ca")} == {
        name: BODY[name] for name in ("host", "cert", "ca")
    }
    assert set(made) == {"id", "host", "cert", "ca", "created_at"}
    assert await api.get(f"{PATH}/{made['id']}") == made
    assert await api.get(PATH) == [made]
    await api.delete(f"{PATH}/{made['id']}")
    await api.get(f"{PATH}/{made['id']}", status=404)
    await api.delete(f"{PATH}/{made['id']}", status=404)
    assert await api.get(PATH) == []


async def test_a_certificate_is_never_changed(api: Api) -> None:
    made = await api.post(PATH, BODY)
    await api.put(f"{PATH}/{made['id']}", BODY, status=405)


async def test_a_certificate_needs_neither_an_authority_nor_a_key_beside_it(api: Api) -> None:
    made = await api.post(PATH, {"host": "a.example:8443", "cert": PAIR.certificate})
    assert made["ca"] is None
    assert (await api.post(PATH, {**BODY, "ca": None, "passphrase": None}))["ca"] is None


async def test_a_run_gets_the_private_key_and_the_database_holds_it_sealed(api: Api) -> None:
    body = {"host": "a.example", "cert": ENCRYPTED.certificate, "key": ENCRYPTED.key}
    await api.post(PATH, {**body, "passphrase": "open sesame"})
    assert api.account
    account_id = api.account.id

    async def read(platform: Platform) -> tuple[HostCertificate, ...]:
        async with platform.database.read() as connection:
            return await certificates_for_run(connection, platform.vault, account_id)

    (found,) = await api.server.call(read)
    assert (found.host, found.cert) == ("a.example", ENCRYPTED.certificate)
    assert (found.key, found.passphrase) == (ENCRYPTED.key, "open sesame")
    assert "sesame" not in repr(found)
    for file in api.server.folder.glob("bellrock.sqlite*"):
        assert ENCRYPTED.key.encode() not in file.read_bytes()
        assert b"open sesame" not in file.read_bytes()


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"host": ""}, "host"),
        ({"host": None}, "host"),
        ({"host": "https://shop.example/path"}, "host"),
        ({"host": "*a*a*a*.example"}, "host"),
        ({"cert": None}, "cert"),
        ({"cert": "not a certificate"}, "cert"),
        ({"cert": PAIR.certificate[:100]}, "cert"),
        ({"cert": PAIR.certificate + PAIR.key}, "cert"),
        ({"cert": PAIR.certificate + "x" * 65_536}, "cert"),
        ({"ca": "not a certificate"}, "ca"),
        ({"key": "not a key"}, "key"),
        ({"key": OTHER.key}, "key"),
        ({"key": PAIR.certificate}, "key"),
        ({"passphrase": "needless"}, "passphrase"),
        ({"key": None, "passphrase": "for nothing"}, "passphrase"),
        ({"cert": ENCRYPTED.certificate, "key": ENCRYPTED.key}, "passphrase"),
        ({"cert": ENCRYPTED.certificate, "key": ENCRYPTED.key, "passphrase": "wrong"}, "key"),
    ],
)
async def test_a_certificate_that_cannot_be_used_is_400_and_the_message_names_the_field(
    api: Api, fields: dict[str, object], word: str
) -> None:
    error = await api.post(PATH, {**BODY, **fields}, status=400)
    assert error["message"].startswith(word)
    assert "PRIVATE KEY-----\n" not in error["message"]
    assert await api.get(PATH) == []


@pytest.mark.parametrize(("role", "may"), [("READ_ONLY", False), ("READ_RUN", False), ("READ_WRITE", True)])
async def test_certificates_are_changed_by_writers_and_seen_by_all(api: Api, role: str, may: bool) -> None:
    made = await api.post(PATH, BODY)
    async with with_role(api, role) as caller:
        assert await caller.get(f"{PATH}/{made['id']}") == made
        await caller.post(PATH, BODY, status=201 if may else 403)
        await caller.delete(f"{PATH}/{made['id']}", status=204 if may else 403)


async def test_certificates_of_another_account_do_not_exist(api: Api, stranger: Api) -> None:
    made = await api.post(PATH, BODY)
    assert await stranger.get(PATH) == []
    await stranger.get(f"{PATH}/{made['id']}", status=404)
    await stranger.delete(f"{PATH}/{made['id']}", status=404)
    await api.delete(f"{PATH}/{unknown_id()}", status=404)
    assert await api.get(PATH) == [made]
