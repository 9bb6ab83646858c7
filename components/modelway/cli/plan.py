"""`modelway plan`: what would be declared in one environment, and how an update of it goes."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelway.cli.promotion import Project
from modelway.cli.registry_options import Region, model_reader

if TYPE_CHECKING:
    from modelway.delivery.comment import PlannedModel
    from modelway.plan.model import DeploymentPlan
    from modelway.spec import ModelSpec


def plan(
    env: Annotated[str, typer.Option("--env", help="The environment, which is the stack's name.")],
    specs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Spec files. Default: those in `specs/` beside the project's program.",
            metavar="SPEC",
        ),
    ] = None,
    project: Project = Path(),
    region: Region = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: of one spec an object, else a list.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown for a pull request.")
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(
            help="What `pulumi preview --json` printed, to be told in the Markdown.",
            metavar="JSON",
        ),
    ] = None,
) -> None:
    """Print what would be declared, how an update goes, and every number with its reason.

    Of an update: its stages with traffic, waits and instances, its expected duration, the alarms
    that roll it back, and the smallest regression that they can detect at the spec's traffic.

    Whether the stack has release records, and this is what they say, is told too: `pulumi preview`
    refuses what differs from the newest.

    A model that the spec names in a registry is looked up there, with the credentials of the
    environment; nothing else is asked of AWS.

    A spec that breaks rules has no plan: the problems are printed and the exit status is 2. Only a
    missing image does not stop this command, since an image is often built last; it says so.

    For example:

        modelway plan stacks/specs/digits.yaml --env prod

        modelway plan stacks/specs/digits.yaml --env prod --json

        modelway plan --env prod --markdown --preview preview.json
    """
    from modelway.delivery.due import spec_files
    from modelway.promotion.folder import ReleaseFolder

    if preview is not None and not as_markdown:
        raise typer.BadParameter("is told in Markdown only; add --markdown", param_hint="--preview")
    if as_json and as_markdown:
        raise typer.BadParameter("cannot be given with --json", param_hint="--markdown")
    found = [
        _planned(each, env, project, region) for each in specs or spec_files(ReleaseFolder(project))
    ]
    if as_json:
        plain = [_plain(each) for each in found]
        typer.echo(json.dumps(plain[0] if len(plain) == 1 else plain, indent=2))
    elif as_markdown:
        from modelway.delivery.comment import stack_comment

        told = None if preview is None else _read_preview(preview)
        typer.echo(stack_comment(env, found, told), nl=False)
    else:
        for each in found:
            _print(each.plan)
            typer.echo(each.release)
    for problem in (problem for each in found for problem in each.problems):
        typer.echo(f"not ready to deploy: {problem}", err=True)


def _planned(spec: Path, env: str, project: Path, region: str | None) -> "PlannedModel":
    """Decide one spec's deployment.

    Raises:
        SpecError: the spec breaks rules; only a missing image is no reason to stop.
    """
    from modelway.delivery.comment import PlannedModel
    from modelway.errors import SpecError
    from modelway.image.extras import read_extras
    from modelway.plan.build import decide_deployment
    from modelway.promotion.apply import pinned
    from modelway.promotion.folder import ReleaseFolder
    from modelway.registry import Pins
    from modelway.spec.review import review_files

    (review,) = review_files([spec], [env])
    waiting = [problem for problem in review.problems if problem.path == "image"]
    problems = [problem for problem in review.problems if problem.path != "image"]
    if review.spec is None or problems:
        raise SpecError(review.problems)
    merged = review.spec.for_environment(env)
    if merged.image is not None and waiting:
        raise SpecError(waiting)
    named = any(model.registry for _place, model in merged.models())
    pins = pinned(ReleaseFolder(project).releases, env, merged.name) if named else Pins()
    artifact, beside = model_reader(region).read(merged, pins)
    extras = read_extras(merged.image)
    decided = decide_deployment(merged, env, artifact, beside, extras)
    release, refused = _release(project, review.spec, decided)
    return PlannedModel(decided, release, (*map(str, waiting), *refused))


def _read_preview(file: Path) -> dict[str, Any]:
    """Read what `pulumi preview --json` printed; a file without it is told as no preview."""
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{file} is not what `pulumi preview --json` printed: {error}", param_hint="--preview"
        ) from None
    if not isinstance(read, dict):
        raise typer.BadParameter(
            f"{file} is not what `pulumi preview --json` printed: no object",
            param_hint="--preview",
        )
    return read


def _release(project: Path, spec: "ModelSpec", plan: "DeploymentPlan") -> tuple[str, list[str]]:
    """Say which release record the stack deploys, and why it would be refused, if it would."""
    from modelway.errors import PromotionError
    from modelway.promotion.apply import wanted
    from modelway.promotion.folder import ReleaseFolder
    from modelway.rollback import load_rollback

    place = ReleaseFolder(project)
    rollback = load_rollback(place.program, plan.name, plan.environment)
    try:
        return wanted(place.releases, spec, plan, rollback).said, []
    except PromotionError as error:
        return f"{plan.name} in {plan.environment}: not what the release records say", [str(error)]


def _plain(model: "PlannedModel") -> Any:
    """Give the plan as JSON has it, with the outlook on an update and the release beside it."""
    from modelway.plan.outlook import rollout_outlook

    whole = {
        **dataclasses.asdict(model.plan),
        "rollout_outlook": dataclasses.asdict(rollout_outlook(model.plan)),
        "release": model.release,
    }
    return json.loads(json.dumps(whole, default=str))


def _text(value: object) -> str:
    """Write a decided value; whole numbers have no fraction."""
    if value is None:
        return "none"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _print(plan: "DeploymentPlan") -> None:
    """Print tables: what is declared, how an update goes, and why the numbers are what they are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from modelway.plan import outlook
    from modelway.plan.outline import outline

    console = Console(highlight=False)
    if not console.is_terminal:
        # Piped output is for other programs: no line is cut to a guessed width.
        console = Console(width=240, no_color=True, highlight=False)

    def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        drawn = Table(title=Text(title), title_justify="left")
        for column in columns:
            drawn.add_column(column, overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(cell) for cell in row))
        if drawn.row_count > 0:
            console.print(drawn)

    foreseen = outlook.rollout_outlook(plan)
    table(f"{plan.name} in {plan.environment}", ("declared", "name", "details"), outline(plan))
    table("an update, stage by stage", outlook.STAGE_COLUMNS, outlook.stage_rows(foreseen))
    for line in outlook.summary_lines(plan, foreseen):
        console.print(Text(line))
    table("what rolls it back", outlook.ALARM_COLUMNS, outlook.alarm_rows(plan))
    table(
        "the smallest regression that is detected with 95 % probability in the first bake",
        outlook.LIMIT_COLUMNS,
        outlook.limit_rows(foreseen.detection_limits),
    )
    table(
        "every number and its reason",
        ("number", "value", "reason", "source"),
        ((d.path, _text(d.value), d.reason, d.source) for d in plan.decisions),
    )
