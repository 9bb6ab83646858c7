"""Where a Pulumi project's program is.

Takes the folder of `Pulumi.yaml`, gives the folder of the program, beside which specs, rollbacks
and release records lie. Must not run the engine.
"""

from pathlib import Path
from typing import cast

import yaml

PROJECT_FILE = "Pulumi.yaml"


def program_folder(project: Path) -> Path:
    """Give the folder of the program: `main` of Pulumi.yaml, or the project's own folder."""
    text = (project / PROJECT_FILE).read_text(encoding="utf-8")
    members = cast("dict[str, str]", yaml.safe_load(text) or {})
    folder = project / (members.get("main") or ".")
    return folder if folder.is_dir() else folder.parent
