"""Bytes that nobody would send, handed to each decoder (S06)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelway.image.context import serving_image_directory

PROGRAM = Path(__file__).with_name("decoder_targets.py")

TARGETS = [
    "json",
    "csv",
    "json_lines",
    "npy",
    "npz",
    "raw",
    "oip",
    "oip_binary",
    "media",
    "rules",
    "onnx",
    "grpc",
]


# Importing takes longer than a short run, so short runs share a process.
GROUPS = TARGETS if os.environ.get("ABUSE") == "full" else [",".join(TARGETS)]


@pytest.mark.parametrize("targets", GROUPS)
def test_decoders_do_nothing_but_give_or_refuse(targets, tmp_path, size):
    seconds = size(1, 600)
    count = len(targets.split(","))

    done = subprocess.run(
        [
            sys.executable,
            str(PROGRAM),
            targets,
            str(tmp_path),
            f"-max_total_time={seconds}",
            f"-runs={size(1500, -1)}",
            "-rss_limit_mb=1024",
            "-timeout=10",
            f"-max_len={size(1024, 65536)}",
            f"-artifact_prefix={tmp_path}/",
            "-print_final_stats=1",
        ],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(serving_image_directory())},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=count * (seconds + 20) + 60,
    )

    # The last lines are the stack and the input, in base 64.
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    runs = [
        int(text.split()[-1])
        for text in done.stderr.splitlines()
        if text.startswith("stat::number_of_executed_units")
    ]
    assert len(runs) == count
    assert min(runs) > 20
