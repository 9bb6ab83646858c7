"""Machine-learning models in production as code.

    import modelway

    platform = modelway.ModelPlatform("models")
    modelway.ModelDeployment(
        "fraud", spec=modelway.load_spec("fraud.yaml"), platform=platform
    )

The public names are those in `__all__`. Each is imported when it is first used: reading a spec does
not load Pulumi, and importing modelway loads nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelway.deployment import ModelDeployment
    from modelway.errors import (
        ArtifactError,
        DeploymentError,
        EmulatorError,
        EngineError,
        ImageError,
        ModelwayError,
        PromotionError,
        SpecError,
    )
    from modelway.plan import DeploymentPlan, plan_deployment
    from modelway.platform import ModelPlatform
    from modelway.rollback import load_rollback
    from modelway.spec import ModelSpec, load_spec

__all__ = [
    "ArtifactError",
    "DeploymentError",
    "DeploymentPlan",
    "EmulatorError",
    "EngineError",
    "ImageError",
    "ModelDeployment",
    "ModelPlatform",
    "ModelSpec",
    "ModelwayError",
    "PromotionError",
    "SpecError",
    "load_rollback",
    "load_spec",
    "plan_deployment",
]

_MODULES = {
    "DeploymentPlan": "modelway.plan",
    "ModelDeployment": "modelway.deployment",
    "ModelPlatform": "modelway.platform",
    "ModelSpec": "modelway.spec",
    "load_rollback": "modelway.rollback",
    "load_spec": "modelway.spec",
    "plan_deployment": "modelway.plan",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in __all__:
        message = f"module 'modelway' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_MODULES.get(name, "modelway.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted([*globals(), *__all__])
