"""`modelway verdict`: which of two variants is better, or that it is not known yet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from modelway.experiment.judgement import Verdict
    from modelway.experiment.line import Line

NO_VERDICT_YET = 3


def verdict(
    captured: Annotated[
        str,
        typer.Option(help="Captured requests: a file, a folder or s3://BUCKET/PREFIX."),
    ],
    metric: Annotated[str, typer.Option(help="latency, errors or outcome.")],
    champion: Annotated[str, typer.Option(help="The variant that serves.")],
    challenger: Annotated[str, typer.Option(help="The variant that wants to.")],
    outcomes: Annotated[
        str | None,
        typer.Option(help="Outcomes by inference id: a file, a folder or s3://BUCKET/PREFIX."),
    ] = None,
    outcome_field: Annotated[
        str | None, typer.Option(help="Where the value is. Default: outcome, or value.")
    ] = None,
    weights: Annotated[
        str, typer.Option(help="Weights of champion and challenger, as in the spec.")
    ] = "1:1",
    alpha: Annotated[float, typer.Option(help="Probability of a wrong verdict.")] = 0.05,
    margin: Annotated[
        str | None,
        typer.Option(help="Smaller differences do not matter: 0.002 in the unit, or 5%."),
    ] = None,
    higher_is_better: Annotated[
        bool | None,
        typer.Option(
            "--higher-is-better/--lower-is-better", help="Of an outcome. Default: higher."
        ),
    ] = None,
    quantile: Annotated[
        float | None, typer.Option(help="Compare this quantile of latency, such as 0.99.")
    ] = None,
    slower_than: Annotated[
        float | None,
        typer.Option(help="Compare how many answers take longer, in ms.", metavar="MS"),
    ] = None,
    tuned_for: Annotated[
        int, typer.Option(help="Requests at which intervals of means are narrowest.")
    ] = 5000,
    since: Annotated[str | None, typer.Option(help="Only requests from this moment on.")] = None,
    until: Annotated[str | None, typer.Option(help="Only requests before this moment.")] = None,
    region: Annotated[
        str | None, typer.Option(help="AWS region of S3. Default: boto3's own.", metavar="REGION")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge an A/B experiment: which variant is better, by how much, or no verdict yet.

    Ask as often as you like: the intervals hold at every look, so the probability of a wrong
    verdict stays below --alpha over all looks together. Weights must not have changed meanwhile;
    use --since after a change.

    Exit status: 0 with a verdict, 3 when there is none yet, 1 when the experiment is void because
    the traffic was not split by the weights, 2 when the input is wrong.

    For example:

        modelway verdict --captured logs --metric latency --champion v1 --challenger v2 --margin 5%

        modelway verdict --captured s3://bucket/captured/fraud-prod --outcomes outcomes.csv
        --metric outcome --champion v1 --challenger v2 --weights 9:1
    """
    from modelway.errors import ExperimentError
    from modelway.experiment import question, wording
    from modelway.experiment.captured import read_captured
    from modelway.experiment.judgement import Decision, judge
    from modelway.experiment.outcomes import read_outcomes
    from modelway.experiment.sample import take_sample

    if metric not in list(question.Metric):
        raise ExperimentError(
            f"judging an experiment: --metric is {metric!r}; allowed: {', '.join(question.Metric)}"
        )
    if (metric == question.Metric.OUTCOME) != (outcomes is not None):
        raise ExperimentError(
            "judging an experiment: --outcomes and --metric outcome go together; give both or none"
        )
    champion_weight, challenger_weight = question.weights_of(weights)
    asked = question.Question(
        metric=question.Metric(metric),
        champion=champion,
        challenger=challenger,
        champion_weight=champion_weight,
        challenger_weight=challenger_weight,
        alpha=alpha,
        margin=None if margin is None else question.margin_of(margin),
        higher_is_better=higher_is_better,
        quantile=quantile,
        slower_than_ms=slower_than,
        intended=tuned_for,
        since=None if since is None else question.moment_of("--since", since),
        until=None if until is None else question.moment_of("--until", until),
    )
    read = read_captured(_lines(captured, region), (champion, challenger))
    counts = {
        "requests to other variants": read.other_variants,
        "requests of unknown variant": read.no_variant,
    }
    unreadable = {"requests": read.unreadable}
    became = None
    if outcomes is not None:
        became = read_outcomes(_lines(outcomes, region), outcome_field)
        counts["outcomes that are not finite"] = became.not_finite
        counts["inference ids with contradicting outcomes"] = len(became.contradicting)
        unreadable["outcomes"] = became.unreadable
    found = judge(take_sample(read.requests, asked, became), asked)
    not_counted = wording.losses(found, counts, unreadable)
    if as_json:
        typer.echo(json.dumps(wording.plain(found, not_counted), indent=2))
    else:
        _print(found, not_counted)
    if found.decision is Decision.VOID:
        raise typer.Exit(1)
    if found.decision is Decision.OPEN:
        raise typer.Exit(NO_VERDICT_YET)


def _lines(source: str, region: str | None) -> "Iterator[Line]":
    """Give the lines of a file, a folder or a bucket."""
    if source.startswith("s3://"):
        from modelway.experiment.bucket import lines_in_bucket

        return lines_in_bucket(source, region)
    from modelway.experiment.text import lines_in_files

    return lines_in_files(Path(source))


def _print(found: "Verdict", not_counted: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from modelway.experiment.wording import effects, rows, sentence

    console = Console(highlight=False, soft_wrap=True)
    asked = found.question
    confidence = f"interval, alpha {asked.alpha:g}"
    for columns, lines in (
        (("", f"champion {asked.champion}", f"challenger {asked.challenger}"), rows(found)),
        (("challenger against champion", "estimate", confidence), effects(found)),
    ):
        table = Table()
        for at, column in enumerate(columns):
            table.add_column(Text(column), justify="right" if at else "left", overflow="fold")
        for line in lines:
            table.add_row(*(Text(cell) for cell in line))
        console.print(table)
    console.print(f"method: {found.method}")
    for line in not_counted:
        console.print(Text(f"not counted: {line}"))
    console.print(Text(sentence(found)))
