"""Rolling updates with stand-in containers and a clock that jumps, and rollbacks that fail."""


def four(deployment, name):
    return deployment(name, primary=(1.0, 4))


def test_rolling_never_has_more_than_one_batch_beside_the_old_fleet(rolled, deployment):
    counts = []

    def count():
        counts.append((len(rolled.running("config-1b")), len(rolled.running("config-2"))))

    rolled.begin(four(deployment, "config-2"), rolled.rolling(2), t150=count, t330=count)

    found = rolled.ended()

    assert found["EndpointConfigName"] == "config-2"
    assert counts == [(4, 2), (2, 4)]
    assert rolled.events("traffic") == [
        (120, {"shares": {"config-1b": 0.5, "config-2": 0.5}}),
        (300, {"shares": {"config-2": 1.0}}),
    ]
    assert rolled.running("config-1b") == []


def test_a_rolling_update_shows_the_old_instances_that_are_left(rolled, deployment):
    shown = []

    def look():
        shown.append(rolled.record.describe()["ProductionVariants"][0]["CurrentInstanceCount"])

    rolled.begin(four(deployment, "config-2"), rolled.rolling(1), t250=look)

    rolled.ended()

    assert shown == [3]


def test_a_rolling_rollback_brings_the_old_instances_back_before_their_traffic(rolled, deployment):
    rolled.alarms.set("slow", "OK")
    # In the third bake: two old instances are left, three new ones serve.
    rolled.begin(
        four(deployment, "config-2"),
        rolled.rolling(1, alarms=["slow"]),
        t500=lambda: rolled.alarms.set("slow", "ALARM"),
    )

    found = rolled.ended()

    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == "config-1b"
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 4
    assert rolled.events("traffic")[-2:] == [
        (500, {"shares": {"config-1b": 0.5, "config-2": 0.5}}),
        (620, {"shares": {"config-1b": 1.0}}),
    ]
    assert len(rolled.running("config-1b")) == 4
    assert rolled.running("config-2") == []


def left_mixed(rolled, deployment):
    """Let a rolling update fail, and then its rollback; give the description."""

    def fire():
        rolled.alarms.set("slow", "ALARM")
        rolled.broken.add("config-1b")

    rolled.alarms.set("slow", "OK")
    rolled.begin(four(deployment, "config-2"), rolled.rolling(1, alarms=["slow"]), t500=fire)
    return rolled.ended()


def test_a_rollback_that_fails_leaves_both_configurations_in_service(rolled, deployment):
    found = left_mixed(rolled, deployment)

    assert found["EndpointStatus"] == "UpdateRollbackFailed"
    assert found["EndpointConfigName"] == "config-1b"
    assert "slow. The rollback failed: The primary container" in found["FailureReason"]
    assert len(rolled.running("config-1b")) == 2
    assert len(rolled.running("config-2")) == 2
    assert rolled.endpoint.router.shares() == {"config-1b": 0.5, "config-2": 0.5}
    assert len(rolled.endpoint.fleets[0].replicas("primary")) == 2
    assert rolled.events("rolled-back") == []
    assert rolled.events("rollback-failed")[0][1]["config"] == "config-1b"


def test_the_next_update_repairs_an_endpoint_with_a_mix(rolled, deployment):
    left_mixed(rolled, deployment)

    found = rolled.update(four(deployment, "config-3"))

    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == "config-3"
    assert "FailureReason" not in found
    assert rolled.running("config-1b") == rolled.running("config-2") == []
    assert len(rolled.running("config-3")) == 4


def test_a_mix_is_brought_back_when_the_emulator_starts_again(rolled, deployment):
    left_mixed(rolled, deployment)
    rolled.endpoint.stop()
    rolled.broken.clear()
    before = {name: len(rolled.started[name]) for name in ("config-1b", "config-2")}
    rolled.endpoint.site.stopping.clear()

    rolled.endpoint.resume()
    rolled.endpoint.resumed.wait(30)

    assert len(rolled.started["config-1b"]) - before["config-1b"] == 2
    assert len(rolled.started["config-2"]) - before["config-2"] == 2
    assert rolled.endpoint.router.shares() == {"config-1b": 0.5, "config-2": 0.5}
