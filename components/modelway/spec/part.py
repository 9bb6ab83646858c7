"""What all parts of a spec have in common.

Gives the base class of the parts, the type of names, and a way to say where a range comes from. It
must not know any part.
"""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError


def source(source: str) -> dict[str, Any]:
    """Say where a field's range comes from."""
    return {"x-source": source}


class Part(BaseModel):
    """What all parts of a spec have in common: frozen, and unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse `yes` and `true` where a number belongs: Python would take them for 1."""
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, bool) and field is not None and _is_number(field.annotation):
            raise PydanticCustomError("number_type", "must be a number, not true or false")
        return value


def _is_number(annotation: object) -> bool:
    """Tell whether a field holds a plain number, perhaps an optional one."""
    return annotation in (int, float, int | None, float | None)


Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63),
    Field(json_schema_extra=source("SageMaker EntityName")),
]
"""Letters, digits and hyphens, alphanumeric at both ends, 1 to 63 characters."""
