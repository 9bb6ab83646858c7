"""The guard around every test: no call of this process or its children can reach the real AWS.

`pytest-localstack` redirects every botocore client to this machine and refuses requests that would
go elsewhere. The address it redirects to has nobody listening, so a test that forgets to name an
emulator fails instead of finding one. Child processes inherit an environment that says the same.
"""

import os
import socket
from collections.abc import Iterator

import botocore.session
import pytest
from pytest_localstack import constants
from pytest_localstack.session import RunningSession

from modelway.testing import refuse_the_outside

REGION = "us-east-1"


def _endpoint_prefixes() -> set[str]:
    # pytest-localstack 0.8.0 knows a fixed table of 23 services; botocore resolves by endpoint
    # prefix (`api.sagemaker`), so both spellings of every service are added.
    session = botocore.session.Session()
    names = set(session.get_available_services())
    spelt_otherwise = (
        *("sagemaker", "sagemaker-runtime", "ecr"),
        *("resourcegroupstaggingapi", "service-quotas"),
    )
    for name in spelt_otherwise:
        names.add(session.get_service_model(name).endpoint_prefix)
    return names


@pytest.fixture(scope="session", autouse=True)
def _no_real_aws() -> Iterator[None]:
    with socket.socket() as unused, pytest.MonkeyPatch.context() as patch:
        unused.bind(("127.0.0.1", 0))  # bound and never listening: connecting is refused
        port = unused.getsockname()[1]
        for name in _endpoint_prefixes():
            patch.setitem(constants.SERVICE_PORTS, name, port)
        session = RunningSession(
            "127.0.0.1",
            services=dict.fromkeys(constants.SERVICE_PORTS, port),
            region_name=REGION,
        )
        refuse_the_outside(patch)
        with session.botocore.patch_botocore():
            yield


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run where xdist does not see the groups: rehearsals side by side disturb others."""
    if not getattr(session.config.option, "loadgroup", False):
        return
    lost = [
        item.nodeid
        for item in session.items
        if item.get_closest_marker("xdist_group") is not None and "@" not in item.nodeid
    ]
    if lost:
        raise pytest.UsageError(f"xdist does not group {lost[0]} and {len(lost) - 1} other tests")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail on any skip where the caller asks for it, as CI does: `REFUSE_SKIPS=1`."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if os.environ.get("REFUSE_SKIPS") != "1" or reporter is None:
        return
    if reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
