"""The published JSON schema of bellrock.yaml, made from the models."""

import json

from bellrock.project.models import ProjectFile


def json_schema() -> str:
    """The schema as JSON text, with a final newline: the content of docs/bellrock.schema.json."""
    schema = ProjectFile.model_json_schema(mode="validation")
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "bellrock.yaml",
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
