"""The contract's check payloads (camelCase JSON) as drafts: for deploys and for inline jobs.

Fields of the contract that this version does not use (alert settings, groups, retries of monitors) are
taken and ignored, as the contract's clients always send them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from bellrock.domain.checks import (
    RUNNABLE,
    CheckType,
    EnvironmentVariable,
    PlaywrightSuite,
    StatusAssertion,
    UrlMonitor,
)
from bellrock.domain.errors import Invalid, NotBuilt
from bellrock.services.checks import CheckDraft

_MOST_VARIABLES = 200


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class _Variable(_Payload):
    key: Annotated[str, Field(min_length=1, max_length=200)]
    value: str | None = ""
    locked: bool = False
    secret: bool = False


class _Check(_Payload):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    activated: bool = True
    muted: bool = False
    locations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    frequency: Annotated[int, Field(ge=0, le=1_440)] = 10
    frequency_offset: Annotated[int, Field(ge=0, le=86_400)] | None = None
    run_parallel: bool = False
    description: str | None = None
    environment_variables: Annotated[tuple[_Variable, ...], Field(max_length=_MOST_VARIABLES)] | None = None


class _Playwright(_Check):
    code_bundle_path: Annotated[
        str, Field(min_length=1, validation_alias=AliasChoices("codeBundlePath", "bundleKey"))
    ]
    test_command: str = PlaywrightSuite("").test_command
    install_command: str | None = None
    working_dir: str | None = None
    pw_projects: tuple[str, ...] = ()
    pw_tags: tuple[str, ...] = ()
    browsers: tuple[str, ...] = ("chromium",)
    playwright_version: str | None = None
    cache_hash: str | None = None
    engine: Literal["node", "bun"] | None = None
    engine_version: str | None = None


class _Assertion(_Payload):
    source: Literal["STATUS_CODE"]
    comparison: Literal["EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN"]
    target: str


class _UrlRequest(_Payload):
    url: Annotated[str, Field(pattern=r"^https?://", max_length=2_048)]
    method: Literal["GET"] = "GET"
    follow_redirects: bool = True
    skip_ssl: Annotated[bool, Field(alias="skipSSL")] = False
    ip_family: Literal["IPv4", "IPv6"] = "IPv4"
    assertions: tuple[_Assertion, ...] = ()


class _Url(_Check):
    request: _UrlRequest
    degraded_response_time: Annotated[int, Field(ge=0, le=30_000)] = 3_000
    max_response_time: Annotated[int, Field(ge=0, le=30_000)] = 5_000
    should_fail: bool = False


def check_type_of(payload: Mapping[str, object], *, where: str = "") -> CheckType:
    """The payload's `checkType`. Raises Invalid for a word that is no type, NotBuilt for later ones."""
    word = payload.get("checkType")
    if word not in set(CheckType):
        raise Invalid(f"{where}checkType: {word!r} is none of {', '.join(CheckType)}.")
    check_type = CheckType(str(word))
    if check_type not in RUNNABLE:
        raise NotBuilt(
            f"{where}{check_type} checks are not built yet: this version runs "
            f"{' and '.join(sorted(RUNNABLE))} checks."
        )
    return check_type


def draft_from_payload(payload: Mapping[str, object], *, where: str = "") -> CheckDraft:
    """The draft a payload describes. Raises Invalid naming ``where`` + field and what is allowed.

    NotBuilt for check types of later versions.
    """
    check_type = check_type_of(payload, where=where)
    shape: type[_Playwright | _Url] = _Playwright if check_type is CheckType.PLAYWRIGHT else _Url
    present = {key: value for key, value in payload.items() if value is not None}
    try:
        check = shape.model_validate(present)
    except ValidationError as error:
        raise Invalid(where + _first_problem(error)) from error
    return CheckDraft(
        type=check_type,
        name=check.name,
        spec=_suite(check) if isinstance(check, _Playwright) else _monitor(check),
        activated=check.activated,
        muted=check.muted,
        locations=check.locations,
        tags=check.tags,
        frequency_min=check.frequency,
        frequency_offset_s=check.frequency_offset,
        run_parallel=check.run_parallel,
        environment=_environment(check.environment_variables),
        description=check.description,
    )


def _suite(check: _Playwright) -> PlaywrightSuite:
    return PlaywrightSuite(
        bundle_key=check.code_bundle_path,
        test_command=check.test_command,
        install_command=check.install_command or "",
        working_dir=check.working_dir or ".",
        pw_projects=check.pw_projects,
        pw_tags=check.pw_tags,
        browsers=check.browsers,
        playwright_version=check.playwright_version,
        cache_hash=check.cache_hash,
        engine=check.engine,
        engine_version=check.engine_version,
    )


def _monitor(check: _Url) -> UrlMonitor:
    request = check.request
    return UrlMonitor(
        url=request.url,
        follow_redirects=request.follow_redirects,
        skip_ssl=request.skip_ssl,
        ip_family=request.ip_family,
        assertions=tuple(StatusAssertion(each.comparison, each.target) for each in request.assertions),
        degraded_response_time_ms=check.degraded_response_time,
        max_response_time_ms=check.max_response_time,
        should_fail=check.should_fail,
    )


def _environment(variables: tuple[_Variable, ...] | None) -> tuple[EnvironmentVariable, ...] | None:
    if variables is None:
        return None
    return tuple(
        EnvironmentVariable(each.key, each.value or "", locked=each.locked, secret=each.secret)
        for each in variables
    )


def _first_problem(error: ValidationError) -> str:
    problem: Any = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    return f"{field}: {problem['msg']}."
