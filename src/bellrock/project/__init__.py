"""Project files: what a person writes down about their checks, and how it becomes a bundle.

`bellrock_project.py` imports its models from here::

    from bellrock.project import PlaywrightCheck, Project, UrlCheck

    project = Project(id="shop", name="Shop", checks={"checkout": PlaywrightCheck(tags=["shop"])})
"""

from bellrock.project.checks import (
    ApiCheck,
    Assertion,
    BasicAuth,
    BrowserCheck,
    Check,
    DnsCheck,
    HeartbeatCheck,
    IcmpCheck,
    MultistepCheck,
    PlaywrightCheck,
    Retry,
    SslCheck,
    StatusCode,
    TcpCheck,
    UrlCheck,
)
from bellrock.project.models import Defaults, Project
from bellrock.project.parts import Variable

__all__ = [
    "ApiCheck",
    "Assertion",
    "BasicAuth",
    "BrowserCheck",
    "Check",
    "Defaults",
    "DnsCheck",
    "HeartbeatCheck",
    "IcmpCheck",
    "MultistepCheck",
    "PlaywrightCheck",
    "Project",
    "Retry",
    "SslCheck",
    "StatusCode",
    "TcpCheck",
    "UrlCheck",
    "Variable",
]
