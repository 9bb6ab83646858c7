"""`modelway emulator fault ...` and `modelway emulator faults`: what is to go wrong, and when.

Takes options, sends them to a running emulator as they are: ranges and names are checked there. A
fault lasts until its time is over, it is cleared, or the emulator stops.
"""

import json
import time
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Let something go wrong on an emulator.")

Port = Annotated[int, typer.Option(help="The emulator's port on 127.0.0.1.")]
Endpoint = Annotated[str | None, typer.Option(help="The endpoint's name. Default: every endpoint.")]
Fleet = Annotated[
    str, typer.Option(help="any, new or old (of an update), or a configuration's name.")
]
After = Annotated[float, typer.Option("--after", help="Virtual seconds until it begins.")]
For = Annotated[
    float | None,
    typer.Option("--for", help="Virtual seconds that it lasts. Default: until it is cleared."),
]

_GENERAL = frozenset(
    {
        *("id", "kind", "state", "begins_at", "ends_at", "hits", "configs"),
        *("endpoint", "fleet", "after_seconds", "for_seconds"),
    }
)


@app.command("replica-crash")
def replica_crash(
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    count: Annotated[int, typer.Option(help="How many replicas.")] = 1,
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Kill healthy replicas, once.

    Examples:
        modelway emulator fault replica-crash --endpoint fraud-local --count 2
    """
    _add(port, "replica-crash", after, lasting, endpoint=endpoint, fleet=fleet, count=count)


@app.command("crash-loop")
def crash_loop(
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Let every container end soon after its start.

    Examples:
        modelway emulator fault crash-loop --fleet new
    """
    _add(port, "crash-loop", after, lasting, endpoint=endpoint, fleet=fleet)


@app.command()
def slow(
    delay_ms: Annotated[float, typer.Option(help="Real milliseconds added to every answer.")],
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Let containers answer later.

    Examples:
        modelway emulator fault slow --delay-ms 300 --fleet new
    """
    _add(port, "slow", after, lasting, endpoint=endpoint, fleet=fleet, delay_ms=delay_ms)


@app.command()
def errors(
    percent: Annotated[float, typer.Option(help="Share of the answers, above 0 to 100.")],
    status: Annotated[int, typer.Option(help="The container's HTTP status, 400 to 599.")] = 500,
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Replace containers' answers by errors.

    Examples:
        modelway emulator fault errors --percent 20 --fleet new --after 60
    """
    fields = {"percent": percent, "status": status}
    _add(port, "errors", after, lasting, endpoint=endpoint, fleet=fleet, **fields)


@app.command()
def capacity(
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Let AWS have no instance free: InsufficientInstanceCapacity.

    Examples:
        modelway emulator fault capacity --endpoint fraud-local
    """
    _add(port, "capacity", after, lasting, endpoint=endpoint, fleet=fleet)


@app.command("image-missing")
def image_missing(
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Let new instances fail to pull the container image.

    Examples:
        modelway emulator fault image-missing --fleet new
    """
    _add(port, "image-missing", after, lasting, endpoint=endpoint, fleet=fleet)


@app.command("artifact-missing")
def artifact_missing(
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Let new instances fail to find the model data.

    Examples:
        modelway emulator fault artifact-missing --fleet new
    """
    _add(port, "artifact-missing", after, lasting, endpoint=endpoint, fleet=fleet)


@app.command()
def throttling(
    service: Annotated[str, typer.Option(help="As boto3 names it.")] = "sagemaker",
    operation: Annotated[
        str | None, typer.Option(help="For example UpdateEndpoint. Default: every operation.")
    ] = None,
    percent: Annotated[float, typer.Option(help="Share of the calls, above 0 to 100.")] = 100,
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Answer a service's calls with "Rate exceeded".

    Examples:
        modelway emulator fault throttling --percent 50 --for 120
        modelway emulator fault throttling --service cloudwatch --operation PutMetricAlarm
    """
    fields = {"service": service, "operation": operation, "percent": percent}
    _add(port, "throttling", after, lasting, **fields)


@app.command("expired-credentials")
def expired_credentials(
    service: Annotated[
        str | None,
        typer.Option(help="As boto3 names it. Default: every service, predictions included."),
    ] = None,
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Take every caller's security token for expired.

    Examples:
        modelway emulator fault expired-credentials --service sagemaker --after 300
    """
    _add(port, "expired-credentials", after, lasting, service=service)


@app.command("metrics-missing")
def metrics_missing(
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Let what SageMaker measures never reach CloudWatch.

    Examples:
        modelway emulator fault metrics-missing --fleet new
    """
    _add(port, "metrics-missing", after, lasting, endpoint=endpoint, fleet=fleet)


@app.command("metrics-delayed")
def metrics_delayed(
    delay_seconds: Annotated[float, typer.Option(help="Virtual seconds.")],
    endpoint: Endpoint = None,
    fleet: Fleet = "any",
    after: After = 0,
    lasting: For = None,
    port: Port = 4510,
) -> None:
    """Let what SageMaker measures reach CloudWatch later.

    Examples:
        modelway emulator fault metrics-delayed --delay-seconds 180
    """
    fields = {"delay_seconds": delay_seconds}
    _add(port, "metrics-delayed", after, lasting, endpoint=endpoint, fleet=fleet, **fields)


@app.command()
def clear(
    fault: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="The fault's id. Default: all.")
    ] = None,
    port: Port = 4510,
) -> None:
    """End one fault, or all.

    Examples:
        modelway emulator fault clear
        modelway emulator fault clear 3
    """
    from modelway.emulator import process

    route = "faults" if fault is None else f"faults/{fault}"
    removed = process.control(process.require(port).url, "DELETE", route)["removed"]
    typer.echo(f"cleared: {', '.join(map(str, removed)) or 'there was none'}", err=True)


def faults(
    port: Port = 4510,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """List what was made to go wrong, and how often it did.

    Examples:
        modelway emulator faults
        modelway emulator faults --json
    """
    from modelway.emulator import process

    found = process.control(process.require(port).url, "GET", "faults")["faults"]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for line in fault_lines(found):
        typer.echo(line)


def fault_lines(found: list[dict[str, Any]]) -> list[str]:
    """Give the listing for people."""
    lines: list[str] = []
    for fault in found:
        own = [
            f"{name} {fault[name]:g}" if isinstance(fault[name], float) else f"{name} {fault[name]}"
            for name in fault
            if name not in _GENERAL and fault[name] is not None
        ]
        lines.append(f"{fault['id']}: {' '.join([fault['kind'], *own])}; {fault['state']}")
        if "fleet" in fault:
            configs = ", ".join(sorted(set(fault.get("configs", {}).values())))
            lines.append(
                f"  endpoint {fault['endpoint'] or 'any'}, fleet {fault['fleet']}"
                + (f" ({configs})" if configs else "")
            )
        lines.append(
            f"  from {_time(fault['begins_at'], 'the next update')} "
            f"to {_time(fault['ends_at'], 'its removal')}; {fault['hits']} hits"
        )
    return lines or ["no faults"]


def _time(at: float | None, otherwise: str) -> str:
    return otherwise if at is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _add(port: int, kind: str, after: float, lasting: float | None, **fields: Any) -> None:
    from modelway.emulator import process

    content = {"kind": kind, "after_seconds": after, "for_seconds": lasting, **fields}
    emulator = process.require(port)
    number = process.control(emulator.url, "POST", "faults", content=content)["id"]
    option = "" if port == process.DEFAULT_PORT else f" --port {port}"
    typer.echo(number)
    typer.echo(f"end it with `modelway emulator fault clear {number}{option}`", err=True)
