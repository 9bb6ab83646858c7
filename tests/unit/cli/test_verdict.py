"""`modelway verdict`."""

import json
import random

import pytest

from modelway.cli.verdict import verdict
from modelway.errors import ExperimentError


@pytest.fixture
def captured(tmp_path):
    """A prediction log of 4,000 requests: `slow` takes 25 ms and fails often, `quick` 20 ms."""
    draw = random.Random(28)
    folder = tmp_path / "captured"
    folder.mkdir()
    with (folder / "predictions.jsonl").open("w", encoding="utf-8") as log:
        for at in range(4000):
            version = "slow" if draw.random() < 0.5 else "quick"
            failed = draw.random() < (0.08 if version == "slow" else 0.02)
            line = {
                "time": f"2026-11-28T10:{at // 100:02}:{at % 60:02}Z",
                "id": f"r-{at}",
                "latency_ms": draw.gauss(25 if version == "slow" else 20, 4),
                "version": version,
                "status": 503 if failed else 200,
            }
            log.write(json.dumps(line) + "\n")
    return folder


@pytest.fixture
def ask(run_command, captured):
    def run(*arguments, champion="quick", challenger="slow"):
        names = ("--champion", champion, "--challenger", challenger)
        return run_command(verdict, "--captured", str(captured), *names, *arguments)

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("--metric", "latency"),
        ("--metric", "latency", "--quantile", "0.5"),
        ("--metric", "latency", "--slower-than", "24"),
        ("--metric", "errors"),
    ],
)
def test_a_worse_challenger_is_told_and_the_status_is_0(ask, arguments):
    result = ask(*arguments)

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("quick is better: ")


def test_the_table_shows_both_variants_and_the_interval(ask):
    shown = ask("--metric", "errors").stdout

    for text in ("champion quick", "challenger slow", "interval, alpha 0.05", "share by weight"):
        assert text in shown


def test_no_verdict_yet_is_status_3(ask):
    result = ask("--metric", "errors", "--since", "2026-11-28T10:39:00Z")

    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1].startswith("No verdict yet: error rate")
    assert "not counted: 3,900 requests outside the time looked at" in result.stdout


def test_a_split_that_is_off_is_status_1(ask):
    result = ask("--metric", "errors", "--weights", "9:1")

    assert result.exit_code == 1
    assert "The experiment is void: slow got" in result.stdout


def test_json_has_the_verdict_the_intervals_and_the_counts(ask):
    told = json.loads(ask("--metric", "latency", "--margin", "1%", "--json").stdout)

    assert told["verdict"] == "champion better"
    assert 4 < told["difference"]["lower"] < 5 < told["difference"]["upper"] < 6
    assert told["margin"] == {"size": 0.01, "relative": True}
    assert told["champion"]["requests"] + told["challenger"]["requests"] == 4000


def test_outcomes_are_joined_from_a_file(ask, tmp_path):
    draw = random.Random(1)
    rows = (f"r-{at},{int(draw.random() < 0.3)}\n" for at in range(3000))
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text("inference_id,outcome\n" + "".join(rows), encoding="utf-8")

    result = ask("--metric", "outcome", "--outcomes", str(outcomes), "--margin", "0.2")

    assert result.exit_code == 0
    assert "No relevant difference: outcome 0." in result.stdout
    assert "without a value" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--metric", "speed"), "--metric is 'speed'; allowed: latency, errors, outcome"),
        (("--metric", "outcome"), "--outcomes and --metric outcome go together"),
        (("--metric", "latency", "--outcomes", "x"), "--outcomes and --metric outcome go together"),
        (("--metric", "errors", "--alpha", "2"), "--alpha is 2.0; allowed: above 0, at most 0.5"),
        (("--metric", "outcome", "--outcomes", "/none"), "No such file or directory"),
    ],
)
def test_input_that_is_wrong_is_status_2_with_what_is_allowed(ask, arguments, said):
    result = ask(*arguments)

    assert isinstance(result.exception, ExperimentError)
    assert said in str(result.exception)
    assert result.exception.exit_status == 2
