"""Read the small JSON files that are packed beside the model.

Takes the spec's `model` and the tensors of its file, gives each file's content under the name that
the model server looks for, or one `ArtifactError` that lists what is wrong with it. Only what the
tensors can tell is checked here; the server checks every rule when it loads the model, and its log
says what it refuses. Must not change a byte of what the user wrote.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from modelway.errors import ArtifactError
from modelway.spec.model_file import Model, Tensor

RULES_NAME, RULES_LIMIT_BYTES = "input_rules.json", 4 * 1024 * 1024
"""The server's name for input rules, and its limit for the file."""

GENERATION_NAME, GENERATION_LIMIT_BYTES = "generation.json", 64 * 1024
"""The server's name for how a sequence is made, and its limit for the file."""

RULES_VERSION = 1
"""Of the file's format, the only one there is."""


def read_beside(model: Model, inputs: Sequence[Tensor]) -> dict[str, bytes]:
    """Read the files that the spec names.

    Args:
        model: of one environment; its paths are absolute or relative to the working directory.
        inputs: the model's, as its file has them.

    Raises:
        ArtifactError: a file is missing, too large, no JSON object, or speaks of inputs or columns
            that the model does not have.
    """
    found: dict[str, bytes] = {}
    if model.input_rules is not None:
        field = "model.input_rules"
        content, document = _read(field, Path(model.input_rules), RULES_LIMIT_BYTES)
        problems = _rule_problems(document, {tensor.name: tensor for tensor in inputs})
        if problems:
            raise ArtifactError(
                f"the input rules {model.input_rules} do not fit the model: {'; '.join(problems)}",
                field,
            )
        found[RULES_NAME] = content
    if model.generation is not None:
        path = Path(model.generation)
        found[GENERATION_NAME], _ = _read("model.generation", path, GENERATION_LIMIT_BYTES)
    return found


def _read(field: str, path: Path, limit_bytes: int) -> tuple[bytes, Mapping[str, Any]]:
    """Read one file and what it says."""

    def refused(why: str) -> ArtifactError:
        return ArtifactError(f"the file {path} {why}; correct it, or `{field}`", field)

    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except FileNotFoundError:
        raise refused("does not exist; the path is relative to the spec's folder") from None
    except OSError as error:
        raise refused(f"cannot be read: {error.strerror}") from None
    if len(content) > limit_bytes:
        raise refused(f"is larger than the {limit_bytes} bytes that the server reads")
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise refused(f"is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise refused("holds no JSON object")
    return content, cast("Mapping[str, Any]", document)


def _rule_problems(document: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> list[str]:
    """List what cannot be right, whatever the rules are."""
    version: object = document.get("version")
    if version != RULES_VERSION or isinstance(version, bool):
        # Of another version, nothing else can be said.
        return [f"`version` is {json.dumps(version)} and must be {RULES_VERSION}"]
    ruled: object = document.get("inputs", {})
    if not isinstance(ruled, dict):
        return ["`inputs` must be an object with the model's inputs by name"]
    problems: list[str] = []
    for name, rules in cast("dict[str, object]", ruled).items():
        tensor = inputs.get(name)
        if tensor is None:
            known = ", ".join(f"`{known}`" for known in inputs)
            problems.append(f"`inputs.{name}` is no input of the model, which has {known}")
        elif isinstance(rules, dict):
            problems += _column_problems(name, cast("dict[str, object]", rules), tensor)
        else:
            problems.append(f"`inputs.{name}` must be an object")
    return problems


def _column_problems(name: str, rules: Mapping[str, object], tensor: Tensor) -> list[str]:
    """Compare the number of columns with the last axis."""
    columns = rules.get("columns")
    if not isinstance(columns, list):
        return []
    count = len(cast("list[object]", columns))
    rows_and_more = tensor.shape[1:]  # the first axis is that of the rows
    if not rows_and_more:
        return [f"`inputs.{name}.columns`: the input's shape {list(tensor.shape)} has no columns"]
    if rows_and_more[-1] not in (-1, count):
        return [f"`inputs.{name}.columns` has {count} columns and the input {rows_and_more[-1]}"]
    return []
