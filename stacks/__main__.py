"""One deployment for each model of the stack, on one shared platform. No logic is here.

Configuration (`pulumi config set`):
    models: spec files, relative to this folder. Default: every file in `specs/`.
    platform: the stack whose platform is used, as `organization/project/stack`.
        Default: this stack declares its own.
"""

from pathlib import Path

import pulumi

from modelway import ModelDeployment, ModelPlatform, load_rollback, load_spec

HERE = Path(__file__).parent
config = pulumi.Config()
files = config.get_object("models") or sorted((HERE / "specs").glob("*.yaml"))
shared = config.get("platform")

platform = ModelPlatform.from_stack(shared) if shared else ModelPlatform("platform")
pulumi.export("bucket_name", platform.bucket_name)
pulumi.export("repository_url", platform.repository_url)
pulumi.export("kms_key_arn", platform.kms_key_arn)
pulumi.export("alarm_topic_arn", platform.alarm_topic_arn)

for file in files:
    spec = load_spec(HERE / file)
    back = load_rollback(HERE, spec.name, pulumi.get_stack())
    model = ModelDeployment(
        spec.name, spec=spec, platform=platform, rollback=back, releases=HERE / "releases"
    )
    pulumi.export(
        spec.name,
        {
            "endpoint_name": model.endpoint_name,
            "endpoint_arn": model.endpoint_arn,
            "endpoint_config_name": model.endpoint_config_name,
            "invocation_url": model.invocation_url,
            "image_digest": model.image_digest,
            "model_digest": model.model_digest,
            "role_arn": model.role_arn,
            "log_group_name": model.log_group_name,
            "dashboard_url": model.dashboard_url,
            "alarm_arns": model.alarm_arns,
        },
    )
