"""A check's variables: sealed in the database, without their secrets in every answer."""

from collections.abc import Iterable
from dataclasses import replace

from pydantic import TypeAdapter

from bellrock.domain.checks import EnvironmentVariable
from bellrock.store.vault import Vault

_ENVIRONMENT = TypeAdapter(tuple[EnvironmentVariable, ...])


def unseal(vault: Vault, sealed: str | None) -> tuple[EnvironmentVariable, ...]:
    """Variables in clear, from how they are stored."""
    return () if sealed is None else _ENVIRONMENT.validate_python(vault.open(sealed))


def seal(vault: Vault, environment: tuple[EnvironmentVariable, ...]) -> str | None:
    """Variables as they are stored."""
    if not environment:
        return None
    return vault.seal(_ENVIRONMENT.dump_python(environment, mode="json"))


def without_secrets(environment: Iterable[EnvironmentVariable]) -> tuple[EnvironmentVariable, ...]:
    """The variables as they may be shown: values of secrets are empty."""
    return tuple(replace(each, value="") if each.secret else each for each in environment)


def with_kept_secrets(
    wanted: Iterable[EnvironmentVariable], stored: Iterable[EnvironmentVariable]
) -> tuple[EnvironmentVariable, ...]:
    """The wanted variables; a secret with an empty value keeps the value it has.

    Nobody who edits a check can send a secret's value back, since nobody was ever told.
    """
    kept = {each.key: each.value for each in stored if each.secret}
    return tuple(
        replace(each, value=kept.get(each.key, "")) if each.secret and not each.value else each
        for each in wanted
    )


def merged(*layers: Iterable[EnvironmentVariable]) -> tuple[EnvironmentVariable, ...]:
    """Layers of variables as one: of those with the same key the last wins, secret if any was."""
    found: dict[str, EnvironmentVariable] = {}
    for layer in layers:
        for each in layer:
            found[each.key] = each
    return tuple(found.values())
