"""Writes the golden schema anew: `python tests/contract/write_component_schema.py`."""

import json
from pathlib import Path

from pulumi.provider.experimental.component import ComponentProvider

from modelway.deployment import ModelDeployment
from modelway.platform import ModelPlatform

if __name__ == "__main__":
    schema = ComponentProvider([ModelDeployment, ModelPlatform], "modelway").schema
    golden = Path(__file__).parent / "component_schema.json"
    golden.write_text(json.dumps(json.loads(schema), indent=2) + "\n")
