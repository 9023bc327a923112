"""Dashboards: what a page about some checks would look like."""

from typing import Annotated, Literal

from pydantic import Field

from bellrock.services.kept_payload.common import Address, KeptPayload

_Host = Annotated[str, Field(max_length=255)]


class DashboardPayload(KeptPayload):
    """A dashboard."""

    custom_url: _Host | None = None
    custom_domain: _Host | None = None
    logo: Address | None = None
    favicon: Address | None = None
    link: Address | None = None
    header: Annotated[str, Field(max_length=500)]
    description: Annotated[str | None, Field(max_length=2_000)] = None
    width: Literal["FULL", "960PX"] = "FULL"
    refresh_rate: Literal[60, 300, 600] = 60
    paginate: bool = True
    pagination_rate: Literal[30, 60, 300] = 60
    sort_by_status: bool = False
    checks_per_page: Annotated[int, Field(ge=1, le=20)] = 15
    use_tags_and_operator: bool = False
    hide_tags: bool = False
    enable_incidents: bool = False
    expand_checks: bool = False
    tags: tuple[str, ...] = ()
    show_header: bool = True
    show_check_run_links: bool = False
    show_group_names: bool = True
    custom_css: Annotated[str, Field(alias="customCSS")] = ""
    is_private: bool = False
    show_p95: bool = True
    show_p99: bool = True
