"""Rules that no single field can state: everything that AWS would refuse, or that could not work.

Takes the spec of one environment, gives `Problem`s without file and line (`modelway.spec.review`
adds them). Limits are constants beside their rules, each with its source. Must not read files, ask
AWS or stop at the first problem. One module a noun; `check` runs them all.
"""

from modelway.errors import Problem
from modelway.spec.model import ModelSpec
from modelway.spec.rules.alarms import alarm_problems
from modelway.spec.rules.artifact import model_problems
from modelway.spec.rules.identity import identity_problems
from modelway.spec.rules.image import EMULATOR_ENVIRONMENT, image_problems
from modelway.spec.rules.network import network_problems
from modelway.spec.rules.records import record_problems
from modelway.spec.rules.rollout import rollout_problems
from modelway.spec.rules.scaling import scaling_problems
from modelway.spec.rules.serving import serving_problems
from modelway.spec.rules.variants import variant_problems

__all__ = ["EMULATOR_ENVIRONMENT", "check"]


def check(spec: ModelSpec, environment: str) -> list[Problem]:
    """Find every broken rule of a spec in one environment.

    Args:
        spec: a whole spec, whose overrides are applied first, or that of one environment.
        environment: the stack's name.

    Raises:
        SpecError: when the environment's overrides break a rule of a single field.
    """
    if spec.environments:
        spec = spec.for_environment(environment)
    return [
        *identity_problems(spec, environment),
        *model_problems(spec),
        *image_problems(spec, environment),
        *serving_problems(spec),
        *scaling_problems(spec),
        *rollout_problems(spec),
        *alarm_problems(spec),
        *record_problems(spec),
        *network_problems(spec),
        *variant_problems(spec),
    ]
