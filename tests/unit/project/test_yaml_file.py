import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from bellrock.project import PlaywrightCheck, UrlCheck
from bellrock.project.errors import ProjectError
from bellrock.project.schema import json_schema
from bellrock.project.yaml_file import read_project_file

REPOSITORY = Path(__file__).parents[3]

GOOD = """\
project:
  id: shop
  name: Example shop
defaults:
  locations: [eu-central-1, us-east-1]
  environment:
    BASE: https://shop.test
    REGION: eu
checks:
  suite:
    type: playwright
    tags: [shop]
    environment:
      REGION: us
      TOKEN: {from_env: SHOP_TOKEN, secret: true}
  ping:
    type: url
    url: https://shop.test/health
    locations: [ap-south-1]
    assertions:
      - {comparison: EQUALS, target: 204}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "bellrock.yaml"
    path.write_text(text)
    return path


def problems_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(ProjectError) as raised:
        read_project_file(written(folder, text))
    return raised.value.message.splitlines()


def test_defaults_fill_what_a_check_leaves_out_and_environments_are_merged(tmp_path: Path) -> None:
    checks = read_project_file(written(tmp_path, GOOD)).resolved_checks()
    suite, ping = checks["suite"], checks["ping"]
    assert isinstance(suite, PlaywrightCheck)
    assert isinstance(ping, UrlCheck)
    assert suite.locations == ("eu-central-1", "us-east-1")
    assert ping.locations == ("ap-south-1",)
    assert {name: variable.value for name, variable in suite.environment.items()} == {
        "BASE": "https://shop.test",
        "REGION": "us",
        "TOKEN": None,
    }
    assert suite.environment["TOKEN"].secret


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            GOOD.replace("    tags: [shop]", "    tgas: [shop]"),
            "bellrock.yaml:12: checks.suite.tgas: unknown key; allowed are",
        ),
        (
            GOOD.replace("    tags: [shop]", "    frequency: 7"),
            "bellrock.yaml:12: checks.suite.frequency: must be one of 1, 2",
        ),
        (
            GOOD.replace("REGION: us", "REGION: 3"),
            "bellrock.yaml:14: checks.suite.environment.REGION: must be text",
        ),
        (GOOD.replace("url: https", "url: ftp"), "bellrock.yaml:18: checks.ping.url: must match"),
        (
            GOOD.replace("target: 204", "target: 9"),
            "bellrock.yaml:21: checks.ping.assertions[0].target: must be",
        ),
        (
            GOOD.replace("type: url", "type: gopher"),
            "bellrock.yaml:16: checks.ping: type must be one of 'playwright', 'url', 'api', 'tcp'",
        ),
        (GOOD.replace("    type: playwright\n", ""), "bellrock.yaml:10: checks.suite: type is required"),
        (GOOD.replace("  name: Example shop\n", ""), "bellrock.yaml:1: project.name: is required"),
        (
            GOOD.replace("defaults:", "default:"),
            "bellrock.yaml:4: default: unknown key; allowed are checks, defaults, project.",
        ),
        (GOOD.replace("id: shop", "id: 'sh op'"), "bellrock.yaml:2: project.id: must match"),
        (
            GOOD.replace("secret: true", "secret: true, value: x"),
            "bellrock.yaml:15: checks.suite.environment.TOKEN: needs either 'value' or 'from_env'",
        ),
    ],
)
def test_a_mistake_names_file_line_field_and_what_is_allowed(tmp_path: Path, broken: str, said: str) -> None:
    assert broken != GOOD
    assert any(line.startswith(said) for line in problems_of(tmp_path, broken))


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    broken = GOOD.replace("defaults:", "default:").replace("url: https", "url: ftp")
    lines = [line.split(":")[1] for line in problems_of(tmp_path, broken)]
    assert lines == ["4", "18"]


def test_an_unknown_key_that_resembles_a_known_one_is_answered_with_it(tmp_path: Path) -> None:
    broken = GOOD.replace("    tags: [shop]", "    tgas: [shop]")
    assert problems_of(tmp_path, broken)[0].endswith("Did you mean 'tags'?")


def test_what_is_not_yaml_names_the_line(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "project:\n  id: [shop\n")[0].startswith("bellrock.yaml:")
    assert "is not YAML" in problems_of(tmp_path, "a: b: c\n")[0]


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    assert "bellrock.yaml:4" in problems_of(tmp_path, "project:\n  id: a\n  name: b\n  id: c\n")[0]


def test_the_published_schema_is_the_one_of_the_models() -> None:
    published = REPOSITORY / "docs" / "bellrock.schema.json"
    assert published.read_text() == json_schema(), "run: bellrock schema > docs/bellrock.schema.json"


@pytest.mark.parametrize(
    ("text", "is_valid"), [(GOOD, True), (GOOD.replace("tags:", "tgas:"), False), ("checks: {}\n", False)]
)
def test_the_schema_agrees_with_the_models(tmp_path: Path, text: str, is_valid: bool) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(json_schema()))
    document = YAML(typ="safe").load(text)
    assert validator.is_valid(document) is is_valid
