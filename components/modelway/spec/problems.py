"""Turn pydantic's validation errors into problems that a user can act on.

Takes a model class and an error, gives `Problem`s without file and line: path, what is wrong, the
value, what is allowed and whose rule it is. Must not read files.
"""

import difflib
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from modelway.errors import Problem
from modelway.spec.image import FORMS
from modelway.spec.paths import Loc, path_text

OWN_SOURCE = "modelway"
"""The source of a rule that is our own."""

NOT_OVERRIDABLE = ("name", "environments")
"""One file is one model: its name is the same everywhere, and overrides do not nest."""

_KINDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "number_type": "must be a number, not true or false",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of fields to values",
    "model_attributes_type": "must be a mapping of fields to values",
    "invalid_key": "has a key that is not text",
    "string_pattern_mismatch": "has characters or a form that are not allowed",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
    "literal_error": "is not one of the choices",
    "enum": "is not one of the choices",
}
_NO_PLACES = ("[key]", *FORMS)
"""What pydantic puts into places that no file has."""

_BOUNDS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


def field_problems(
    model: type[BaseModel],
    error: ValidationError,
    environment: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> list[Problem]:
    """Translate every error.

    Args:
        model: the class that was validated.
        error: what pydantic raised.
        environment: the environment whose overrides were merged in, or None for the base.
        overrides: those overrides; errors at a place that they set are shown there.
    """
    problems: list[Problem] = []
    for details in error.errors(include_url=False, include_context=True):
        loc = tuple(part for part in details["loc"] if part not in _NO_PLACES)
        place: Loc = loc
        set_at = loc[:-1] if details["type"] == "missing" else loc
        if environment is not None and overrides is not None and is_set(overrides, set_at):
            place = ("environments", environment, *loc)
        problems.append(_problem(model, details, loc, path_text(place)))
    return problems


def override_problems(
    model: type[BaseModel], environment: str, overrides: Mapping[str, Any]
) -> list[Problem]:
    """Refuse fields that an environment may not set."""
    return [
        Problem(
            path=path_text(("environments", environment, field)),
            message="cannot differ between environments",
            value=overrides[field],
            allowed="any field but " + " and ".join(f"`{name}`" for name in NOT_OVERRIDABLE),
            source=OWN_SOURCE,
        )
        for field in NOT_OVERRIDABLE
        if field in overrides and field in model.model_fields
    ]


def is_set(overrides: Mapping[str, Any], loc: Loc) -> bool:
    """Tell whether overrides hold a value at this place."""
    current: object = overrides
    for part in loc:
        if isinstance(current, Mapping) and part in current:
            current = cast("Mapping[object, object]", current)[part]
        elif isinstance(current, list) and isinstance(part, int) and part < len(current):  # pyright: ignore[reportUnknownArgumentType]
            current = cast("list[object]", current)[part]
        else:
            return False
    return bool(loc)


def _problem(model: type[BaseModel], details: ErrorDetails, loc: Loc, path: str) -> Problem:
    """Translate one error."""
    kind, value = details["type"], details["input"]
    owner, field = _find(model, loc)
    source = _source_of(field)
    if kind == "missing":
        allowed = _plain(field.description) if field is not None and field.description else ""
        return Problem(path, "is missing", None, allowed, source)
    if kind == "extra_forbidden":
        return _unknown_field(owner, str(loc[-1]), value, path)
    if kind in _BOUNDS:
        return Problem(path, "is out of range", value, _range(field), source)
    message = _KINDS.get(kind, details["msg"])
    allowed = _allowed(kind, details, field, value)
    return Problem(path, message, value, allowed, source)


def _unknown_field(owner: type[BaseModel] | None, name: str, value: object, path: str) -> Problem:
    """Name the nearest field that exists."""
    fields = sorted(owner.model_fields) if owner is not None else []
    near = difflib.get_close_matches(name, fields, n=1, cutoff=0.7)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    shown = value if isinstance(value, str | int | float | bool) else None
    return Problem(path, f"is not a field{hint}", shown, ", ".join(fields), OWN_SOURCE)


def _allowed(kind: str, details: ErrorDetails, field: FieldInfo | None, value: object) -> str:
    """Say what would be accepted."""
    context = details.get("ctx", {})
    if kind in {"literal_error", "enum"}:
        return str(context.get("expected", ""))
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'text in quotes, such as "{value}"'
    if kind in {"string_pattern_mismatch", "string_too_long", "string_too_short"}:
        described = _plain(field.description) if field is not None and field.description else ""
        bounds = [
            f"{words} {context[key]} characters"
            for key, words in (("max_length", "at most"), ("min_length", "at least"))
            if key in context
        ]
        pattern = f"the pattern {context['pattern']}" if "pattern" in context else ""
        return "; ".join(part for part in (*bounds, pattern, described) if part)
    return _range(field)


def _range(field: FieldInfo | None) -> str:
    """Give a number's whole range, not only the end that was passed."""
    if field is None:
        return ""
    words: list[str] = []
    for limit in _metadata(field):
        if isinstance(limit, Ge):
            words.append(f"at least {limit.ge}")
        elif isinstance(limit, Gt):
            words.append(f"above {limit.gt}")
        elif isinstance(limit, Le):
            words.append(f"at most {limit.le}")
        elif isinstance(limit, Lt):
            words.append(f"below {limit.lt}")
    return ", ".join(words)


def _metadata(field: FieldInfo) -> list[object]:
    """Collect constraints of a field, also those inside `X | None`."""
    found: list[object] = list(field.metadata)
    stack: list[object] = [field.annotation]
    while stack:
        annotation = stack.pop()
        if get_origin(annotation) is Annotated:
            first, *rest = get_args(annotation)
            stack.append(first)
            for item in rest:
                found += item.metadata if isinstance(item, FieldInfo) else [item]
        elif get_origin(annotation) in (Union, UnionType):
            stack += get_args(annotation)
    return found


def _source_of(field: FieldInfo | None) -> str:
    """Give the source that a field carries."""
    extra = None if field is None else field.json_schema_extra
    if not isinstance(extra, dict):
        return OWN_SOURCE
    return str(cast("dict[str, object]", extra).get("x-source", OWN_SOURCE))


def _find(model: type[BaseModel], loc: Loc) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Follow a place through the models: the last model met, and the field if there is one."""
    owner: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for part in loc:
        if isinstance(part, int):
            continue
        if owner is None or part not in owner.model_fields:
            return owner, field if owner is None else None
        field = owner.model_fields[part]
        owner = _model_in(field.annotation) or (owner if part == loc[-1] else None)
    return owner, field


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Find the model class inside `X | None`, `tuple[X, ...]` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is Literal:
        return None
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _plain(description: str) -> str:
    """Make one line of a field's description."""
    return " ".join(description.split()).rstrip(".")
