import time

import pytest

from modelway.engine import official
from modelway.errors import EngineError


def test_a_refused_connection_costs_seconds_and_leaves_nothing(cache):
    # tests/conftest.py sends every request that is not for loopback to a port that refuses.
    started = time.monotonic()

    with pytest.raises(EngineError) as refused:
        official.download_official(cache / "3.272.0" / "official")

    assert time.monotonic() - started < 10
    assert "URLError" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list((cache / "3.272.0").iterdir()) == []


def test_a_network_that_does_not_answer_is_given_up(cache, monkeypatch):
    monkeypatch.setattr(official, "_INSTALL", "import time; time.sleep(60)")
    monkeypatch.setattr(official, "FIRST_ANSWER_SECONDS", 0.2)

    with pytest.raises(EngineError, match="no answer within 0 seconds"):
        official.download_official(cache / "3.272.0" / "official")

    assert list((cache / "3.272.0").iterdir()) == []


def test_a_download_that_has_begun_is_waited_for_and_announced(cache, monkeypatch):
    monkeypatch.setattr(
        official,
        "_INSTALL",
        "import os, sys, time\n"
        "print('script', flush=True)\n"
        "time.sleep(1)\n"
        "file = f'{sys.argv[1]}/bin/pulumi'\n"
        "os.mkdir(os.path.dirname(file))\n"
        "open(file, 'w').write(f'#!/bin/sh\\necho v{sys.argv[2]}\\n')\n"
        "os.chmod(file, 0o755)",
    )
    monkeypatch.setattr(official, "FIRST_ANSWER_SECONDS", 0.5)
    lines = []

    official.download_official(cache / "made", lines.append)

    assert (cache / "made" / "bin" / "pulumi").is_file()
    assert len(lines) == 2
    assert "once per machine" in lines[1]
