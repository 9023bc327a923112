"""Both versions of the API say the same of a check session, but for one word."""

from typing import cast

from bellrock.api.bodies.check_sessions import check_session_body, check_session_with_results, for_v1
from bellrock.api.links import Links
from bellrock.domain.access import Principal
from bellrock.domain.sessions import CheckSessionStatus
from bellrock.services.platform import Platform
from bellrock.services.views import SessionView

# Addresses of pages are all that these bodies ask for; files, which need a platform, they have none.
_LINKS = Links("http://127.0.0.1:3000", cast("Platform", None), cast("Principal", None), lifetime_s=60)


def check_both_versions(view: SessionView) -> None:
    """Version 1 says TIMED_OUT where version 2 says CANCELLED, and nothing else differs."""
    for body in (check_session_body(view, _LINKS), check_session_with_results(view, _LINKS)):
        second = body.model_dump(mode="json")
        first = for_v1(body).model_dump(mode="json")
        assert first["status"] != "CANCELLED"
        assert {**second, "status": ""} == {**first, "status": ""}
        if second["status"] == CheckSessionStatus.CANCELLED:
            assert first["status"] == CheckSessionStatus.TIMED_OUT
        else:
            assert first["status"] == second["status"]
