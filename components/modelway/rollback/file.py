"""The file of a rollback: what a model goes back to in one environment, and what from.

Takes a folder, a model's name and an environment; reads and writes
`rollbacks/<environment>/<name>.json`. It must not ask AWS or the engine.

It is JSON with these members: `endpoint`; `back_to` and `instead_of`, names of endpoint
configurations; `content`, what the version consists of; `written_at`, in UTC. It counts as long as
the spec wants `instead_of`: the next release ends it by itself, and it may be deleted then.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelway.errors import DeploymentError

FOLDER = "rollbacks"


@dataclass(frozen=True)
class Rollback:
    """What one rollback says."""

    endpoint: str
    back_to: str
    """The endpoint configuration to serve again."""
    instead_of: str
    """The endpoint configuration that the spec leads to."""
    content: Mapping[str, Any]
    """Models and variants of `back_to`, as the endpoint's history keeps them."""
    written_at: str
    """ISO 8601, UTC."""


def rollback_path(folder: Path, name: str, environment: str) -> Path:
    """Give where the file of one model in one environment is."""
    return folder / FOLDER / environment / f"{name}.json"


def load_rollback(folder: Path | str, name: str, environment: str) -> dict[str, Any] | None:
    """Read a model's rollback, for `ModelDeployment(rollback=...)`.

    Args:
        folder: of the program; `rollbacks/` is in it.
        name: the spec's name.
        environment: the stack's name.

    Returns:
        The file's members; None where there is no file.

    Raises:
        DeploymentError: the file cannot be read or is not a rollback.
    """
    path = rollback_path(Path(folder), name, environment)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, str(error)) from error
    try:
        members = json.loads(text)
    except ValueError as error:
        raise _unreadable(path, f"it is not JSON: {error}") from error
    wanted = set(Rollback.__dataclass_fields__)
    if not isinstance(members, dict) or set(members) != wanted:
        listed = ", ".join(sorted(wanted))
        raise _unreadable(path, f"its members must be exactly {listed}")
    wrong = [key for key in sorted(wanted - {"content"}) if not isinstance(members[key], str)]
    if not isinstance(members["content"], dict) or "models" not in members["content"]:
        wrong.append("content")
    if wrong:
        raise _unreadable(path, f"{', '.join(wrong)} is not what `modelway rollback` writes")
    return members


def save_rollback(path: Path, rollback: Rollback) -> None:
    """Write the file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(rollback), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)


def _unreadable(path: Path, why: str) -> DeploymentError:
    return DeploymentError(
        f"reading the rollback {path}: {why}. Delete the file to deploy the spec, or run "
        "`modelway rollback` again to write it anew."
    )
