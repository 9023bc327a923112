"""`bellrock validate` and `bellrock schema`: what can be said about a project without a server."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bellrock.project.checks import PlaywrightCheck
from bellrock.project.locate import locate_project
from bellrock.project.packing import pack_suite
from bellrock.project.payloads import Surroundings, check_payload, resolve_environment
from bellrock.project.schema import json_schema


def validate(*, config: Annotated[Path | None, Parameter(("--config", "-c"))] = None) -> int:
    """Check the project file, its suites, their lock files and the variables they take from here.

    Parameters
    ----------
    config
        The project file; bellrock.yaml or bellrock_project.py of this folder when left out.
    """
    located = locate_project(Path.cwd(), file=config)
    checks = located.project.resolved_checks()
    for logical_id, check in checks.items():
        if isinstance(check, PlaywrightCheck):
            packed = pack_suite(located.folder, check)
            resolve_environment(check.environment, os.environ, owner=f"checks.{logical_id}")
            size_kb = len(packed.content) / 1000
            print(f"{logical_id}: {len(packed.files)} files, {size_kb:.0f} kB, {packed.package_manager}")
        else:
            check_payload(logical_id, check, suite=None, around=Surroundings(located.folder, os.environ))
            print(f"{logical_id}: {check.type}")
    print(f"{located.file.name} is valid: {len(checks)} check{'s' if len(checks) != 1 else ''}.")
    return 0


def schema() -> int:
    """Print the JSON schema of bellrock.yaml."""
    print(json_schema(), end="")
    return 0
