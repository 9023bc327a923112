"""Requests and responses as results show them: the contract's bodies."""

import base64
import codecs

from bellrock.domain.specs import HttpRequest
from bellrock.runner.executors.http.assertions import charset
from bellrock.runner.executors.http.rendering import Rendered
from bellrock.runner.executors.http.request import KEPT_BODY_BYTES, Request, RequestFailed, Response


def monitor_request(wanted: HttpRequest) -> dict[str, object]:
    """A URL monitor's request."""
    return {
        "method": "GET",
        "url": wanted.url,
        "followRedirects": wanted.follow_redirects,
        "skipSSL": wanted.skip_ssl,
        "ipFamily": wanted.ip_family,
    }


def check_request(
    wanted: HttpRequest, rendered: Rendered | None, request: Request | None
) -> dict[str, object]:
    """An API check's request as it went out, or as far as it was ready: with templates in it, at first."""
    headers = rendered.headers if rendered else [(one.key, one.value) for one in wanted.headers]
    query = rendered.query if rendered else [(one.key, one.value) for one in wanted.query]
    body = rendered.body if rendered else wanted.body
    return {
        "method": wanted.method,
        "url": rendered.url if rendered else wanted.url,
        "data": body[:KEPT_BODY_BYTES],
        "headers": dict(request.headers if request else headers),
        "params": dict(query),
        "followRedirects": wanted.follow_redirects,
        "skipSSL": wanted.skip_ssl,
        "ipFamily": wanted.ip_family,
    }


def whole_response(response: Response) -> dict[str, object]:
    """Everything of a response, its body cut to `KEPT_BODY_BYTES`, in base64 where it is no text."""
    return {**without_body(response), **_kept_body(response)}


def without_body(response: Response) -> dict[str, object]:
    """Everything of a response but its body, of which the size is said."""
    return {
        "status": response.status,
        "statusText": response.status_text,
        "headers": response.headers,
        "url": response.url,
        "ip": response.ip,
        "redirects": response.redirects,
        "bodyBytes": response.body_bytes,
        "timings": response.times.timings(),
        "timingPhases": response.times.phases(),
        "body": "",
    }


def _kept_body(response: Response) -> dict[str, object]:
    kept = response.body[:KEPT_BODY_BYTES]
    whole = response.body_bytes == len(kept)
    try:
        # Of a body that is cut, the last character may be half there.
        text = codecs.getincrementaldecoder(charset(response))().decode(kept, final=whole)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return {"body": base64.b64encode(kept).decode(), "bodyEncoding": "base64"}
    return {"body": text}


def no_response(failure: RequestFailed) -> dict[str, object]:
    """How far a request came that has no response."""
    return {"timings": failure.times.timings(), "timingPhases": failure.times.phases()}
