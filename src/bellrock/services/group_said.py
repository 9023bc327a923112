"""A check group as the contract says it: what is read back is what can be written."""

from typing import Any

from bellrock.domain.groups import FALLBACK, ApiDefaults, CheckGroup, GroupRetry
from bellrock.services.check_payload.said import (
    assertions_said,
    pair_said,
    retry_said,
    subscriptions_said,
    variable_said,
)


def group_said(group: CheckGroup) -> dict[str, Any]:
    """The group as a payload. The values of secret variables are empty: saying so again keeps them."""
    return {
        "id": group.id,
        "name": group.name,
        "activated": group.activated,
        "muted": group.muted,
        "tags": list(group.tags),
        "locations": list(group.locations),
        "privateLocations": list(group.private_locations),
        "concurrency": group.concurrency,
        "apiCheckDefaults": _defaults(group.api_defaults),
        "browserCheckDefaults": group.browser_check_defaults,
        "environmentVariables": [variable_said(each) for each in group.environment],
        "doubleCheck": group.double_check,
        "useGlobalAlertSettings": group.use_global_alert_settings,
        "alertSettings": group.alert_settings,
        "alertChannelSubscriptions": subscriptions_said(group.subscriptions),
        "setupSnippetId": group.setup_snippet_id,
        "tearDownSnippetId": group.teardown_snippet_id,
        "localSetupScript": group.setup_script,
        "localTearDownScript": group.teardown_script,
        "runtimeId": group.runtime_id,
        "retryStrategy": _retry(group.retry),
        "runParallel": group.run_parallel,
    }


def _defaults(defaults: ApiDefaults) -> dict[str, Any]:
    auth = defaults.basic_auth
    return {
        "url": defaults.url,
        "headers": [pair_said(each) for each in defaults.headers],
        "queryParameters": [pair_said(each) for each in defaults.query],
        "assertions": assertions_said(defaults.assertions),
        "basicAuth": {"username": auth.username, "password": auth.password} if auth else None,
    }


def _retry(retry: GroupRetry | None) -> dict[str, Any] | str | None:
    return retry if retry is None or retry == FALLBACK else retry_said(retry)
