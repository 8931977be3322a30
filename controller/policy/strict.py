"""The base of all documents and their parts: nothing unknown, nothing converted."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Strict(BaseModel):
    """Fields in camelCase; attribute docstrings are the descriptions of the JSON Schema."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )
