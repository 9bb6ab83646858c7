"""Replicas that die, and emulators that stop, are killed and start again."""

import os
import signal
import time

import psutil
import pytest

pytestmark = pytest.mark.integration


def test_a_killed_replica_is_started_again(account, name, good, rows, reference):
    account.endpoint(name, good)
    (victim,) = account.pids(name)

    os.kill(victim, signal.SIGKILL)
    replica = wait_for(lambda: healthy_other_than(account, name, victim))

    assert replica["restarts"] == 1
    assert replica["last_exit_status"] == -9
    assert account.predict(name, rows).tobytes() == reference(rows).tobytes()
    assert account.settled(name)["EndpointStatus"] == "InService"


def test_a_second_replica_answers_while_the_first_is_down(account, name, good, rows):
    account.endpoint(name, good, count=2)
    victim = min(account.pids(name))

    # Frozen first, so that nothing is answered between the kill and the next health check.
    os.kill(victim, signal.SIGKILL)
    time.sleep(0.2)
    answers = [account.predict(name, rows) for _ in range(20)]

    assert len(answers) == 20


def test_replicas_die_with_a_killed_emulator(new_account, name, good, ended):
    account = new_account()
    account.endpoint(name, good, count=2)
    pids = account.pids(name)

    os.kill(account.emulator.pid, signal.SIGKILL)

    assert len(pids) == 2
    assert ended(pids)


def test_an_endpoint_survives_a_restart_of_the_emulator(
    new_account, name, good, rows, reference, ended
):
    first = new_account()
    first.endpoint(name, good)
    first.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "primary", "DesiredInstanceCount": 2}],
    )
    before = first.settled(name)
    pids = first.pids(name)
    first.emulator.stop()
    stopped = ended(pids)

    second = new_account()
    # No waiting here: requests wait by themselves while replicas come back.
    answers = second.predict(name, rows)
    after = second.sagemaker.describe_endpoint(EndpointName=name)

    assert stopped
    assert answers.tobytes() == reference(rows).tobytes()
    for field in ("EndpointStatus", "EndpointConfigName", "CreationTime", "LastModifiedTime"):
        assert after[field] == before[field]
    assert after["ProductionVariants"] == before["ProductionVariants"]
    assert len(second.pids(name)) == 2


def test_a_failed_and_a_deleted_endpoint_stay_so_after_a_restart(new_account, name, good):
    first = new_account()
    first.config(name, ("primary", first.model(name, b"no archive"), 1.0, 1))
    first.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    failed = first.settled(name)
    first.endpoint(f"{name}-gone", good)
    first.sagemaker.delete_endpoint(EndpointName=f"{name}-gone")
    first.gone(f"{name}-gone")
    first.emulator.stop()

    second = new_account()
    listed = second.sagemaker.list_endpoints()["Endpoints"]
    found = second.sagemaker.describe_endpoint(EndpointName=name)

    assert [each["EndpointName"] for each in listed] == [name]
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"] == failed["FailureReason"]


def test_what_was_under_way_goes_on_after_a_restart(new_account, name, good, rows):
    # At this time scale provisioning lasts 12 s: the emulator is killed within.
    first = new_account(time_scale=10.0)
    first.config(name, ("primary", first.model(name, good), 1.0, 1))
    first.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    os.kill(first.emulator.pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(first.emulator.pid) or zombie(first.emulator.pid))

    second = new_account()
    at_once = second.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
    found = second.settled(name)

    assert at_once == "Creating"
    assert found["EndpointStatus"] == "InService"
    assert second.predict(name, rows).shape == (5, 2)


def test_without_replicas_an_endpoint_is_in_service_and_says_why_it_cannot_answer(
    new_account, name, good, rows
):
    account = new_account(replicas=False)
    account.endpoint(name, good)
    runtime = account.client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ModelError, match="without replicas"):
        account.predict(name, rows)

    assert account.status(name)["replicas"] == []


def test_a_reset_leaves_no_endpoint_and_no_process(new_account, name, good, ended):
    account = new_account()
    account.endpoint(name, good)
    pids = account.pids(name)
    account.config(f"{name}-b", ("primary", name, 1.0, 1))
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-b")

    account.emulator.reset()

    assert account.emulator.status()["endpoints"] == []
    assert account.sagemaker.list_endpoints()["Endpoints"] == []
    assert ended(pids)


def healthy_other_than(account, name, pid):
    replicas = account.status(name)["replicas"]
    return next((r for r in replicas if r["pid"] != pid and r["state"] == "healthy"), None)


def zombie(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(found, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")
