"""Which stacks a commit deploys: those whose release records say what its specs say.

Takes the folder of a project and names of stacks, gives one verdict for each model in each stack.
A pipeline deploys the stacks that are due and leaves the others as they are, since `pulumi up`
would refuse them. Must not ask AWS, and must not deploy or write anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelway.errors import NotReleased, PromotionError
from modelway.package import read_artifact
from modelway.plan import plan_deployment
from modelway.promotion.apply import wanted
from modelway.promotion.folder import SPECS, ReleaseFolder
from modelway.rollback import load_rollback
from modelway.spec import load_spec

Verdict = Literal["due", "waits", "refused"]


@dataclass(frozen=True)
class Due:
    """What one stack does with one model at this commit."""

    stack: str
    model: str
    verdict: Verdict
    """`due` is deployed; `waits` for a release or a promotion; `refused`: its records are wrong."""
    why: str
    """For people."""


def find_due(place: ReleaseFolder, stacks: Iterable[str]) -> list[Due]:
    """Judge every model of a project in each of these stacks.

    Raises:
        SpecError: a spec breaks rules in one of these stacks.
        PromotionError: the project has no specs.
    """
    files = spec_files(place)
    return [_judge(place, file, stack) for stack in stacks for file in files]


def stacks_due(found: Sequence[Due]) -> list[str]:
    """Give the stacks to deploy, in their order: those in which every model is due."""
    kept = {each.stack for each in found if each.verdict != "due"}
    return [stack for stack in dict.fromkeys(each.stack for each in found) if stack not in kept]


def spec_files(place: ReleaseFolder) -> list[Path]:
    """Give the specs of a project: those in `specs/` beside its program.

    Raises:
        PromotionError: there are none.
    """
    folder = place.program / SPECS
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise PromotionError(
            f"looking for specs: {folder} has none. Run this in the folder of Pulumi.yaml, or give "
            "it with --project."
        )
    return files


def _judge(place: ReleaseFolder, file: Path, stack: str) -> Due:
    spec = load_spec(file)
    merged = spec.for_environment(stack)
    beside = {each.name: read_artifact(each.model) for each in merged.beside}
    plan = plan_deployment(spec, stack, read_artifact(merged.model), beside)
    rollback = load_rollback(place.program, spec.name, stack)
    try:
        said = wanted(place.releases, spec, plan, rollback).said
    except NotReleased as error:
        return Due(stack, spec.name, "waits", str(error))
    except PromotionError as error:
        return Due(stack, spec.name, "refused", str(error))
    return Due(stack, spec.name, "due", said)
