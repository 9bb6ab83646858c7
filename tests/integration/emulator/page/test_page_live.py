"""The page of a real emulator, in a real browser: an endpoint's life as somebody sees it."""

import http.client

import pytest

pytestmark = pytest.mark.integration

HOSTILE = "<script>document.title='run'</script><img src=x onerror=alert(1)>"


def test_an_endpoint_comes_up_serves_and_goes_without_a_reload(running, browser, deploy, client_of):
    emulator = running()
    browser.open(f"{emulator.url}/_modelway/")
    browser.wait_for("#endpoints h2", "No endpoints yet")
    browser.script("window.notReloaded = true")

    deploy(emulator)

    browser.wait_for("#endpoints .badge", "Creating")
    browser.wait_for("#endpoints .badge", "InService")
    browser.wait_for("#endpoints details[open] summary", "Replicas: 1 of 1 healthy")
    assert browser.text("#endpoints h2") == "digits"
    browser.wait_for("table[aria-label='Fleets of digits'] td", "100 %")
    assert browser.text("table[aria-label='Fleets of digits'] tbody th") == "digits-1"
    assert "No requests yet" in browser.text("#endpoints")

    runtime = client_of(emulator, "sagemaker-runtime")
    for _ in range(20):
        runtime.invoke_endpoint(EndpointName="digits", ContentType="text/csv", Body="1,2,3")

    browser.wait_for("svg desc", "digits-1:")
    assert browser.text("figure figcaption").split("|") == [
        "Requests per real second",
        "Model latency ms",
        "Errors per real second",
    ]
    browser.wait("document.querySelector('figure path').getAttribute('d') !== ''")

    client_of(emulator, "sagemaker").delete_endpoint(EndpointName="digits")
    browser.wait_for("#endpoints h2", "No endpoints yet")
    assert browser.script("return window.notReloaded")
    assert browser.complaints() == []
    origins = {"/".join(url.split("/")[:3]) for url in browser.asked()}
    assert origins == {emulator.url}


def test_it_says_when_nobody_answers_and_goes_on_after_a_restart(running, browser, client_of):
    emulator = running(replicas=False)
    client_of(emulator, "cloudwatch").put_metric_alarm(
        AlarmName="kept",
        Namespace="made-up",
        MetricName="m",
        Period=60,
        Statistic="Sum",
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    browser.open(f"{emulator.url}/_modelway/")
    browser.wait_for("table[aria-label='Other alarms'] th", "kept")
    assert browser.text("#connection") == "Live"
    browser.script("window.notReloaded = true")

    emulator.stop()
    browser.wait_for("#connection", "Not connected; what you see is of ")
    assert "kept" in browser.text("table[aria-label='Other alarms'] th")

    again = running(replicas=False)
    browser.wait("document.getElementById('connection').textContent === 'Live'")
    assert again.pid != emulator.pid
    browser.wait_for("#emulator dd", str(again.pid))
    assert browser.text("#news") == "The emulator began anew."
    assert browser.script("return window.notReloaded")


def test_names_and_reasons_are_text_whatever_they_hold(running, browser, client_of):
    emulator = running(replicas=False)
    cloudwatch = client_of(emulator, "cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=HOSTILE,
        Namespace="made-up",
        MetricName="m",
        Dimensions=[{"Name": "EndpointConfigName", "Value": HOSTILE}],
        Period=60,
        Statistic="Sum",
        EvaluationPeriods=2,
        Threshold=1.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",  # the state that is set below stays
    )
    cloudwatch.set_alarm_state(AlarmName=HOSTILE, StateValue="ALARM", StateReason=HOSTILE)

    browser.open(f"{emulator.url}/_modelway/")
    browser.wait_for("table[aria-label='Other alarms'] th", HOSTILE)

    row = browser.text("table[aria-label='Other alarms'] td").split("|")
    assert row[0] == "▲ ALARM"
    assert row[2] == f"m Sum > 1.5 in 2 of 2 periods of 60 s on the fleet {HOSTILE}"
    assert row[3] == HOSTILE
    browser.wait_for(".events .loud .kind", "alarm")
    browser.wait_for(".events p", HOSTILE)
    assert browser.script("return document.querySelectorAll('main script, main img').length") == 0
    assert browser.script("return document.title") == "1 alarm · modelway emulator"
    assert browser.complaints() == []


def test_the_page_may_be_opened_as_localhost_but_under_no_foreign_name(running, browser):
    emulator = running(replicas=False)
    browser.open(f"http://localhost:{emulator.port}/_modelway/")
    browser.wait("document.getElementById('connection').textContent === 'Live'")
    assert browser.complaints() == []

    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    connection.request("GET", "/_modelway/page/data", headers={"Host": "rebound.example"})
    refused = connection.getresponse()

    assert refused.status == 403
    assert b"endpoints" not in refused.read()
    connection.close()
