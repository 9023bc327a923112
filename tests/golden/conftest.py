"""The original JavaScript libraries, installed once, asked once."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.golden.handlebars_cases import CASES
from tests.golden.jsonpath_cases import PATH_CASES

HERE = Path(__file__).parent
NOW = datetime(2026, 3, 31, 13, 4, 5, 678_000, tzinfo=UTC)
"""The last day of a month: the month before has fewer days."""
_INSTALL_S = 100
_ANSWER_S = 30


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the libraries say to every case: `{"is": …}` or `{"error": …}`."""
    folder = tmp_path_factory.mktemp("originals")
    for name in ("package.json", "package-lock.json", "oracle.mjs"):
        shutil.copy(HERE / name, folder)
    subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        check=True,
        timeout=_INSTALL_S,
    )
    asked = {
        "now_ms": int(NOW.timestamp() * 1000),
        "templates": [
            {"template": each.template, "values": each.values, "helpers": each.helpers} for each in CASES
        ],
        "paths": [{"path": each.path, "value": each.value} for each in PATH_CASES],
    }
    answer = subprocess.run(
        ["node", "oracle.mjs"],
        cwd=folder,
        env={**os.environ, "TZ": "UTC"},
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
        timeout=_ANSWER_S,
    )
    answers: dict[str, list[dict[str, Any]]] = json.loads(answer.stdout)
    return answers
