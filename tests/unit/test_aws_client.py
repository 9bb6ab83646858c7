"""Clients of dynamic resources: made once, whoever asks first, in however many threads."""

import subprocess
import sys

from modelway.aws_client import aws_client
from modelway.testing import child_environment

MANY_THREADS = """
import threading
from modelway.aws_client import aws_client

start, clients = threading.Barrier(16), []

def ask(service):
    start.wait()
    clients.append(aws_client(service, "us-east-1"))

threads = [threading.Thread(target=ask, args=(s,)) for s in ("ecr", "sagemaker") * 8]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(clients), len(set(map(id, clients))))
"""


def test_threads_that_ask_at_once_share_one_client_a_service():
    done = subprocess.run(
        [sys.executable, "-c", MANY_THREADS],
        env=child_environment({}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("16 2\n", "")


def test_another_region_is_another_client():
    one = aws_client("ecr", "us-east-1")

    assert aws_client("ecr", "us-east-1") is one
    assert one.meta.config.retries == {"mode": "standard", "total_max_attempts": 10}
    assert one.meta.config.max_pool_connections == 32
