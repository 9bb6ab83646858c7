"""`modelway emulator fault ...`: what each command asks for, and what the list shows."""

import json
from types import SimpleNamespace

import pytest
import typer.testing

from modelway.cli import faults
from modelway.emulator import process


@pytest.fixture
def emulator(monkeypatch):
    """Stands for a running emulator: `asked`, and what it is to answer."""
    made = SimpleNamespace(asked=[], answer={"id": 3})

    def control(url, method, route, content=None):
        made.asked.append((url, method, route, content))
        return made.answer

    monkeypatch.setattr(
        process, "require", lambda port: SimpleNamespace(url=f"http://127.0.0.1:{port}")
    )
    monkeypatch.setattr(process, "control", control)
    return made


def run(*arguments):
    done = typer.testing.CliRunner().invoke(faults.app, list(arguments))
    assert done.exit_code == 0, done.output
    return done


ON_FLEET = {"after_seconds": 0, "for_seconds": None, "endpoint": None, "fleet": "any"}
TIMED = {"after_seconds": 0, "for_seconds": None}


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        (["replica-crash"], {"count": 1, **ON_FLEET}),
        (["replica-crash", "--count", "2"], {"count": 2, **ON_FLEET}),
        (["crash-loop"], ON_FLEET),
        (["slow", "--delay-ms", "300"], {"delay_ms": 300.0, **ON_FLEET}),
        (["errors", "--percent", "20"], {"percent": 20.0, "status": 500, **ON_FLEET}),
        (
            ["errors", "--percent", "1", "--status", "429"],
            {"percent": 1.0, "status": 429, **ON_FLEET},
        ),
        (["capacity"], ON_FLEET),
        (["image-missing"], ON_FLEET),
        (["artifact-missing"], ON_FLEET),
        (["throttling"], {"service": "sagemaker", "operation": None, "percent": 100.0, **TIMED}),
        (
            ["throttling", "--service", "ecr", "--operation", "BatchGetImage", "--percent", "5"],
            {"service": "ecr", "operation": "BatchGetImage", "percent": 5.0, **TIMED},
        ),
        (["expired-credentials"], {"service": None, **TIMED}),
        (["expired-credentials", "--service", "iam"], {"service": "iam", **TIMED}),
        (["metrics-missing"], ON_FLEET),
        (["metrics-delayed", "--delay-seconds", "180"], {"delay_seconds": 180.0, **ON_FLEET}),
    ],
    ids=" ".join,
)
def test_each_command_asks_for_its_fault(emulator, arguments, content):
    done = run(*arguments)

    assert emulator.asked == [
        ("http://127.0.0.1:4510", "POST", "faults", {"kind": arguments[0], **content})
    ]
    assert done.stdout == "3\n"
    assert "modelway emulator fault clear 3" in done.stderr


def test_time_and_place_are_passed_on(emulator):
    run(
        *("slow", "--delay-ms", "300", "--endpoint", "fraud-local", "--fleet", "new"),
        *("--after", "60", "--for", "120", "--port", "4511"),
    )

    assert emulator.asked == [
        (
            "http://127.0.0.1:4511",
            "POST",
            "faults",
            {
                "kind": "slow",
                "after_seconds": 60.0,
                "for_seconds": 120.0,
                "endpoint": "fraud-local",
                "fleet": "new",
                "delay_ms": 300.0,
            },
        )
    ]


@pytest.mark.parametrize(("arguments", "route"), [([], "faults"), (["3"], "faults/3")])
def test_one_fault_or_all_are_cleared(emulator, arguments, route):
    emulator.answer = {"removed": [3]}

    done = run("clear", *arguments)

    assert emulator.asked == [("http://127.0.0.1:4510", "DELETE", route, None)]
    assert done.stderr == "cleared: 3\n"


SLOW = {
    "id": 1,
    "kind": "slow",
    "state": "active",
    "begins_at": 1_700_000_000.0,
    "ends_at": 1_700_000_060.0,
    "hits": 12,
    "configs": {"fraud-local": "fraud-local-0123"},
    "after_seconds": 0.0,
    "for_seconds": 60.0,
    "endpoint": "fraud-local",
    "fleet": "new",
    "delay_ms": 300.0,
}
EXPIRED = {
    "id": 2,
    "kind": "throttling",
    "state": "waiting",
    "begins_at": None,
    "ends_at": None,
    "hits": 0,
    "after_seconds": 0.0,
    "for_seconds": None,
    "service": "sagemaker",
    "operation": None,
    "percent": 12.5,
}


def test_the_list_says_what_where_and_how_often():
    assert faults.fault_lines([SLOW, EXPIRED]) == [
        "1: slow delay_ms 300; active",
        "  endpoint fraud-local, fleet new (fraud-local-0123)",
        "  from 2023-11-14 22:13:20 UTC to 2023-11-14 22:14:20 UTC; 12 hits",
        "2: throttling service sagemaker percent 12.5; waiting",
        "  from the next update to its removal; 0 hits",
    ]


def test_an_empty_list_says_so(emulator, run_command):
    emulator.answer = {"faults": []}

    assert run_command(faults.faults).stdout == "no faults\n"


def test_the_list_is_for_programs_too(emulator, run_command):
    emulator.answer = {"faults": [SLOW]}

    assert json.loads(run_command(faults.faults, "--json").stdout) == [SLOW]
