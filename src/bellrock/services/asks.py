"""How requests are read that become more than one service's input."""

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel


class Ask(BaseModel):
    """Base of everything we hear. Unknown fields pass; text that no database can hold does not."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nul(cls, data: object) -> object:
        if isinstance(data, dict):
            for key, value in data.items():
                if isinstance(value, str) and "\x00" in value:
                    message = f"{key} holds a NUL character"
                    raise ValueError(message)
        return data
