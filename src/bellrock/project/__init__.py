"""Project files: what a person writes down about their checks, and how it becomes a bundle.

`bellrock_project.py` imports its models from here::

    from bellrock.project import PlaywrightCheck, Project, UrlCheck

    project = Project(id="shop", name="Shop", checks={"checkout": PlaywrightCheck(tags=["shop"])})
"""

from bellrock.project.models import (
    Check,
    Defaults,
    PlaywrightCheck,
    Project,
    StatusCode,
    UrlCheck,
    Variable,
)

__all__ = ["Check", "Defaults", "PlaywrightCheck", "Project", "StatusCode", "UrlCheck", "Variable"]
