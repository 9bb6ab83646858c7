"""The program of a rehearsal: one platform, and one deployment of the spec beside this file."""

from pathlib import Path

import pulumi

from modelway import ModelDeployment, ModelPlatform, load_spec

spec = load_spec(Path(__file__).parent / "spec.yaml")
platform = ModelPlatform("platform")
model = ModelDeployment(spec.name, spec=spec, platform=platform)
pulumi.export("endpoint_name", model.endpoint_name)
pulumi.export("endpoint_config_name", model.endpoint_config_name)
