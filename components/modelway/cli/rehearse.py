"""`modelway rehearse`: run a scenario against an emulator of its own, and say what came of it."""

import contextlib
import json
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, NoReturn

import typer


def rehearse(
    scenario: Annotated[
        str | None, typer.Argument(help="A scenario file, or the name of one that ships.")
    ] = None,
    time_scale: Annotated[
        float | None, typer.Option(help="Virtual seconds per real second, instead of the file's.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report. Default: .modelway/rehearsals/<name>."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON instead of Markdown.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the emulator running when it is over.")
    ] = False,
    list_shipped: Annotated[
        bool, typer.Option("--list", help="List the scenarios that ship.")
    ] = False,
) -> None:
    """Rehearse a change: the real engine, real model servers and traffic, on an embedded AWS.

    The timeline goes to stderr while it runs, the report to stdout; Markdown, JSON and a plot are
    written to --out.

    Exit status: 0 when the scenario's expectations held, 1 when they did not, 2 when the scenario
    is wrong.

    For example:

        modelway rehearse --list

        modelway rehearse healthy-canary

        modelway rehearse my-change.yaml --time-scale 120 --out report
    """
    from modelway.rehearsal.expectations import judge
    from modelway.rehearsal.live import LiveTimeline
    from modelway.rehearsal.report import as_json as plain_report
    from modelway.rehearsal.report import held, markdown, write_report
    from modelway.rehearsal.run import rehearse as run
    from modelway.rehearsal.scenario_file import find_scenario, load_scenario, shipped

    if list_shipped:
        width = max(map(len, shipped()))
        for name, path in shipped().items():
            typer.echo(f"{name:<{width}}  {load_scenario(path).scenario.description}")
        return
    if scenario is None:
        raise typer.BadParameter("name a scenario, or see --list", param_hint="SCENARIO")
    loaded = load_scenario(find_scenario(scenario)).at_time_scale(time_scale)
    with _ended_by_sigterm(), LiveTimeline() as live:
        rehearsed = run(
            loaded,
            progress=live.progress,
            listener=live.event,
            watch_traffic=live.watch,
            keep=keep,
        )
    verdicts = judge(rehearsed)
    folder = Path(".modelway") / "rehearsals" / loaded.scenario.name if out is None else out
    write_report(folder, rehearsed, verdicts)
    if as_json:
        typer.echo(json.dumps(plain_report(rehearsed, verdicts), indent=2))
    else:
        typer.echo(markdown(rehearsed, verdicts))
    typer.echo(f"report, plot and logs: {folder}", err=True)
    if not held(verdicts):
        raise typer.Exit(1)


@contextlib.contextmanager
def _ended_by_sigterm() -> Generator[None]:
    """Let SIGTERM end the rehearsal as Ctrl-C does, so that all is taken down."""

    def interrupt(*_: object) -> NoReturn:
        # Another one must not end the clearing up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
