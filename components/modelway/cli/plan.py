"""`modelway plan`: what would be declared in one environment, every number with its reason."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from modelway.plan.model import DeploymentPlan


def plan(
    spec: Annotated[Path, typer.Argument(help="A spec file.", metavar="SPEC")],
    env: Annotated[str, typer.Option("--env", help="The environment, which is the stack's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what would be declared, and every number with the reason for it.

    A spec that breaks rules has no plan: the problems are printed and the exit status is 2. Only a
    missing image does not stop this command, since an image is often built last; it says so.

    For example:

        modelway plan stacks/specs/digits.yaml --env prod

        modelway plan stacks/specs/digits.yaml --env prod --json
    """
    from modelway.errors import SpecError
    from modelway.package import read_artifact
    from modelway.plan.build import decide_deployment
    from modelway.spec.review import review_files

    (review,) = review_files([spec], [env])
    waiting = [problem for problem in review.problems if problem.path == "image"]
    problems = [problem for problem in review.problems if problem.path != "image"]
    if review.spec is None or problems:
        raise SpecError(review.problems)
    merged = review.spec.for_environment(env)
    if merged.image is not None and waiting:
        raise SpecError(waiting)
    decided = decide_deployment(merged, env, read_artifact(merged.model))
    if as_json:
        typer.echo(json.dumps(_plain(decided), indent=2))
    else:
        _print(decided)
    for problem in waiting:
        typer.echo(f"not ready to deploy: {problem}", err=True)


def _plain(plan: "DeploymentPlan") -> Any:
    """Give the plan as JSON has it."""
    return json.loads(json.dumps(dataclasses.asdict(plan), default=str))


def _text(value: object) -> str:
    """Write a decided value; whole numbers have no fraction."""
    if value is None:
        return "none"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _print(plan: "DeploymentPlan") -> None:
    """Print two tables: what is declared, and why the numbers are what they are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from modelway.plan.outline import outline

    console = Console()
    if not console.is_terminal:
        # Piped output is for other programs: no line is cut to a guessed width.
        console = Console(width=240, no_color=True)
    declared = Table(title=f"{plan.name} in {plan.environment}", title_justify="left")
    for column in ("declared", "name", "details"):
        declared.add_column(column, overflow="fold")
    for kind, name, details in outline(plan):
        declared.add_row(kind, Text(name), Text(details))
    console.print(declared)
    reasons = Table(title="every number and its reason", title_justify="left")
    for column in ("number", "value", "reason", "source"):
        reasons.add_column(column, overflow="fold")
    for decision in plan.decisions:
        cells = (decision.path, _text(decision.value), decision.reason, decision.source)
        reasons.add_row(*(Text(cell) for cell in cells))
    console.print(reasons)
