"""How many threads a model gets: the process's affinity and its cgroup quota decide."""

import subprocess

import psutil
import pytest

from modelway.image.context import serving_image_directory
from modelway.image.runtime import server_python

PROGRAM = """
import os, pathlib, sys
os.sched_getaffinity = lambda pid: set(range(8))
from model_server.core.threads import usable_cpus
print(usable_cpus(pathlib.Path(sys.argv[1])))
"""


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        (
            {
                "proc/self/cgroup": "0::/pod/one\n",
                "sys/fs/cgroup/pod/one/cpu.max": "max 100000\n",
                "sys/fs/cgroup/pod/cpu.max": "300000 100000\n",
            },
            3,
        ),
        # A container's path as its host sees it; its own limit is at the root that it sees.
        ({"proc/self/cgroup": "0::/gone/x\n", "sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4),
        (
            {
                "proc/self/cgroup": "4:memory:/a\n3:cpu,cpuacct:/a\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "500000\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
            },
            5,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/a\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
    ],
    ids=[
        "no cgroup", "no quota", "two", "one and a half", "half", "above", "container", "version 1",
        "version 1, no quota",
    ],
)  # fmt: skip
def test_threads_follow_the_quota(tmp_path, files, cpus):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    said = subprocess.check_output(
        [server_python(), "-c", PROGRAM, tmp_path],
        env={"PYTHONPATH": str(serving_image_directory())},
        text=True,
    )

    assert int(said) == cpus


def test_threads_follow_the_affinity(run_server, models):
    server = run_server(models / "regressor", PYTHONWARNINGS="error")
    psutil.Process(server.process.pid).cpu_affinity([psutil.Process().cpu_affinity()[0]])

    server.wait()

    assert server.events("model_ready")[0]["threads"] == 1


def test_threads_are_a_setting(serve):
    server = serve("regressor", MODEL_SERVER_THREADS=3)

    assert server.events("model_ready")[0]["threads"] == 3
