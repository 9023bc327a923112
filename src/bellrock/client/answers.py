"""Turns JSON into models; what does not fit is an `OddAnswer`, never a traceback."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bellrock.client.errors import OddAnswer

Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], data: Any) -> Model:  # noqa: ANN401  # JSON
    """The answer as this model. Raises OddAnswer naming the field that does not fit."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"The server's answer is not a {model.__name__}: {field}: {first['msg']}"
        raise OddAnswer(message) from error
