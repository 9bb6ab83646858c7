"""Updates carried out with stand-in containers and a clock that jumps: what moves, and when."""

from modelway.emulator.hosting.fleet import IdleFleet
from modelway.emulator.hosting.patience import Stopped

CANARY = {"CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10}}


def test_a_canary_shifts_bakes_shifts_the_rest_bakes_and_waits_before_the_old_fleet_ends(
    bench, second
):
    bench.alarms.set("slow", "OK")
    config = bench.blue_green("CANARY", termination=120, alarms=["slow"], **CANARY)

    found = bench.update(second, config)

    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == "config-2"
    assert "FailureReason" not in found
    assert bench.events("traffic")[1:] == [
        (120, {"shares": {"config-1": 0.9, "config-2": 0.1}}),
        (420, {"shares": {"config-2": 1.0}}),
    ]
    assert bench.events("fleet-ready")[1:] == [(120, {"config": "config-2", "instances": 2})]
    assert bench.events("bake-started") == [
        (120, {"seconds": 300.0, "config": "config-2"}),
        (420, {"seconds": 300.0, "config": "config-2"}),
        (720, {"seconds": 120.0, "config": "config-2"}),
    ]
    assert bench.events("promoted", "fleet-ended") == [
        (840, {"config": "config-2"}),
        (840, {"config": "config-1"}),
    ]
    assert bench.running("config-1") == []
    assert len(bench.running("config-2")) == 2


def test_both_fleets_are_whole_until_the_termination_wait_is_over(bench, second):
    seen = []
    bench.begin(
        second,
        bench.blue_green("ALL_AT_ONCE", wait=0, termination=300),
        t400=lambda: seen.append(len(bench.running("config-1"))),
    )

    bench.ended()

    assert seen == [2]
    assert bench.running("config-1") == []


def test_linear_steps_bake_after_each(bench, second):
    bench.update(second, bench.blue_green("LINEAR", wait=60, LinearStepSize=bench.percent(40)))

    assert bench.events("traffic")[1:] == [
        (120, {"shares": {"config-1": 0.6, "config-2": 0.4}}),
        (180, {"shares": {"config-1": 0.2, "config-2": 0.8}}),
        (240, {"shares": {"config-2": 1.0}}),
    ]
    assert bench.events("promoted") == [(300, {"config": "config-2"})]


def test_an_alarm_in_a_bake_brings_all_traffic_back_and_ends_the_new_fleet(bench, second):
    bench.alarms.set("slow", "OK")
    bench.alarms.set("errors", "OK")
    bench.begin(
        second,
        bench.blue_green("CANARY", alarms=["slow", "errors"], **CANARY),
        t200=lambda: bench.alarms.set("errors", "ALARM"),
    )

    found = bench.ended()

    reason = (
        "The deployment was rolled back because one or more CloudWatch alarms went into the ALARM "
        "state: errors."
    )
    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == "config-1"
    assert found["FailureReason"] == reason
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert bench.events("rollback-started") == [(200, {"reason": reason})]
    assert bench.events("traffic")[-1] == (200, {"shares": {"config-1": 1.0}})
    assert bench.events("rolled-back") == [(200, {"config": "config-1", "reason": reason})]
    assert bench.running("config-2") == []
    assert len(bench.running("config-1")) == 2


def test_an_alarm_that_fires_in_the_termination_wait_still_rolls_back(bench, second):
    bench.alarms.set("slow", "OK")
    bench.begin(
        second,
        bench.blue_green("ALL_AT_ONCE", wait=60, termination=600, alarms=["slow"]),
        t500=lambda: bench.alarms.set("slow", "ALARM"),
    )

    found = bench.ended()

    assert found["EndpointConfigName"] == "config-1"
    assert bench.events("traffic")[-1] == (500, {"shares": {"config-1": 1.0}})
    assert len(bench.running("config-1")) == 2


def test_an_alarm_that_recovers_between_two_looks_rolls_back_all_the_same(bench, second):
    def flicker():
        bench.alarms.set("slow", "ALARM")
        bench.alarms.set("slow", "OK")

    bench.alarms.set("slow", "OK")
    bench.begin(second, bench.blue_green("CANARY", alarms=["slow"], **CANARY), t200_1=flicker)

    assert bench.ended()["EndpointConfigName"] == "config-1"


def test_an_alarm_that_is_firing_when_the_bake_begins_rolls_back_at_once(bench, second):
    bench.alarms.set("slow", "ALARM")

    found = bench.update(second, bench.blue_green("CANARY", alarms=["slow"], **CANARY))

    assert found["EndpointConfigName"] == "config-1"
    assert bench.events("rollback-started")[0][0] == 120


def test_an_alarm_that_fired_before_the_bake_and_recovered_does_not_count(bench, second):
    bench.alarms.set("slow", "ALARM")
    bench.begin(
        second,
        bench.blue_green("CANARY", alarms=["slow"], **CANARY),
        t60=lambda: bench.alarms.set("slow", "OK"),
    )

    assert bench.ended()["EndpointConfigName"] == "config-2"


def test_an_alarm_without_data_lets_the_update_go_on(bench, second):
    bench.alarms.set("slow", "INSUFFICIENT_DATA")

    found = bench.update(second, bench.blue_green("CANARY", alarms=["slow"], **CANARY))

    assert found["EndpointConfigName"] == "config-2"


def test_an_alarm_that_is_deleted_in_the_bake_rolls_back(bench, second):
    bench.alarms.set("slow", "OK")
    bench.begin(
        second,
        bench.blue_green("CANARY", alarms=["slow"], **CANARY),
        t200=lambda: bench.alarms.forget("slow"),
    )

    found = bench.ended()

    assert found["EndpointConfigName"] == "config-1"
    assert found["FailureReason"].endswith("could not be read: slow.")


def test_the_time_limit_ends_a_bake_and_rolls_back(bench, second):
    found = bench.update(second, bench.blue_green("CANARY", limit=600, **CANARY))

    assert found["EndpointConfigName"] == "config-1"
    assert found["FailureReason"].endswith("MaximumExecutionTimeoutInSeconds, 600 seconds.")
    assert bench.events("rollback-started")[0][0] == 600


def test_a_new_fleet_that_does_not_start_rolls_back_without_ever_having_traffic(bench, second):
    bench.broken.add("config-2")

    found = bench.update(second, bench.blue_green("CANARY", **CANARY))

    assert found["EndpointConfigName"] == "config-1"
    assert found["FailureReason"].startswith("The primary container for production variant")
    assert len(bench.events("traffic")) == 1  # the creation's
    assert bench.running("config-2") == []


def test_a_fault_of_the_emulator_rolls_back_in_awss_words(bench, second):
    def fault():
        raise RuntimeError("a fault")

    bench.begin(second, bench.blue_green("CANARY", **CANARY), t200=fault)

    found = bench.ended()

    assert found["EndpointConfigName"] == "config-1"
    assert found["FailureReason"] == "Request to service failed. Please try again."
    assert bench.running("config-2") == []


def test_a_new_fleet_that_dies_while_it_bakes_rolls_back_without_an_alarm(bench, second):
    def die():
        bench.broken.add("config-2")
        for container in list(bench.started["config-2"]):
            container.die(1)

    jump = bench.clock.sleep

    def slowly(seconds, stop=None):
        # Containers end and start in real time, which must pass as well.
        bench.endpoint.site.stopping.wait(0.001)
        return jump(seconds, stop)

    bench.clock.sleep = slowly
    bench.begin(second, bench.blue_green("CANARY", wait=3600, **CANARY), t200=die)

    found = bench.ended()

    assert found["EndpointConfigName"] == "config-1"
    assert found["FailureReason"].startswith("The primary container for production variant")


def test_describe_shows_how_far_the_new_variants_are(bench, second):
    shown = []

    def look():
        pending = bench.record.describe()["PendingDeploymentSummary"]["ProductionVariants"][0]
        status = pending["VariantStatus"][0]
        shown.append(
            (
                status["Status"],
                (status["StartTime"] - begun).total_seconds(),
                pending["CurrentInstanceCount"],
                pending["CurrentWeight"],
            )
        )

    begun = bench.clock.utcnow()
    bench.begin(second, bench.blue_green("CANARY", **CANARY), t60=look, t300=look, t600=look)

    bench.ended()

    assert shown == [
        ("Creating", 0, 0, 0.0),
        ("Baking", 120, 2, 0.1),
        ("Baking", 420, 2, 1.0),
    ]


def test_the_endpoint_is_rolling_back_until_the_new_fleet_has_ended(bench, second):
    bench.alarms.set("slow", "ALARM")
    seen = []
    bench.endpoint.site.services.events.add = lambda _e, kind, _t, /, **_d: (
        seen.append(bench.record.endpoint_status) if kind == "fleet-ended" else None
    )

    bench.update(second, bench.blue_green("CANARY", alarms=["slow"], **CANARY))

    assert seen == ["RollingBack"]


def test_without_replicas_an_update_goes_through_the_same_stages(bench, second):
    bench.endpoint.site._make_fleet = lambda _record, wanted, stopping: IdleFleet(wanted, stopping)
    bench.alarms.set("slow", "OK")

    found = bench.update(second, bench.blue_green("CANARY", alarms=["slow"], **CANARY))

    assert found["EndpointConfigName"] == "config-2"
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert [at for at, _ in bench.events("traffic")[1:]] == [120, 420]
    assert bench.events("promoted") == [(720, {"config": "config-2"})]
    assert "config-2" not in bench.started


def test_a_rollback_that_the_emulators_stop_cuts_off_counts_as_done(bench, second):
    def stopped(*_, **__):
        raise Stopped

    bench.alarms.set("slow", "ALARM")
    bench.endpoint.site.end = stopped

    bench.begin(second, bench.blue_green("CANARY", alarms=["slow"], **CANARY))
    bench.endpoint._thread.join(30)

    operation = bench.record.operation
    assert operation is not None
    remembered = bench.outcomes.of(bench.record, operation)
    assert remembered.succeeded is False
    assert remembered.failure_reason.endswith("ALARM state: slow.")


def test_the_stop_of_the_emulator_ends_a_bake_without_settling_it(bench, second):
    bench.begin(second, bench.blue_green("CANARY", **CANARY), t200=bench.endpoint.site.stopping.set)

    bench.endpoint._thread.join(30)

    assert bench.record.operation is not None
    assert bench.record.endpoint_status == "Updating"
    assert bench.outcomes.of(bench.record, bench.record.operation) is None
