"""How much memory models may take: the smallest of all limits."""

import pytest

from model_server.core.memory import usable_bytes

MIB = 2**20


@pytest.mark.parametrize(
    ("files", "bytes_"),
    [
        ({}, None),
        ({"proc/meminfo": "MemTotal:  2048 kB\nMemFree: 1 kB\n"}, 2 * MIB),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1048576\n"}, MIB),
        (
            {
                "proc/self/cgroup": "0::/pod/one\n",
                "sys/fs/cgroup/pod/one/memory.max": "max\n",
                "sys/fs/cgroup/pod/memory.max": "3145728\n",
                "proc/meminfo": "MemTotal:  4096 kB\n",
            },
            3 * MIB,
        ),
        (
            {
                "proc/self/cgroup": "5:memory:/a\n3:cpu,cpuacct:/b\n",
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "2097152\n",
            },
            2 * MIB,
        ),
        (
            {
                "proc/self/cgroup": "5:memory:/a\n",
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n",
                "proc/meminfo": "MemTotal:  1024 kB\n",
            },
            MIB,
        ),
    ],
)
def test_usable_memory_is_the_smallest_limit(tmp_path, files, bytes_):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert usable_bytes(tmp_path) == bytes_
