"""Traffic against a small HTTP server that stands where an emulator would."""

import json
import math
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from modelway.errors import ModelwayError, RehearsalError
from modelway.rehearsal.arrivals import Arrivals
from modelway.rehearsal.traffic import Traffic, runtime_client


class Endpoint(BaseHTTPRequestHandler):
    """Answers invocations; fails every third when told so, is slow when told so."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        self.server.paths.append(self.path)
        self.server.inference_ids.append(self.headers["X-Amzn-SageMaker-Inference-Id"])
        time.sleep(self.server.delay_seconds)
        failed = self.server.fails and len(self.server.bodies) % 3 == 0
        answer = json.dumps({"Message": "boom"} if failed else [1]).encode()
        self.send_response(424 if failed else 200)
        if failed:
            self.send_header("x-amzn-ErrorType", "ModelError")
        else:
            self.send_header("x-Amzn-Invoked-Production-Variant", "primary")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.bodies, server.paths, server.fails, server.delay_seconds = [], [], False, 0.0
    server.inference_ids = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def traffic(endpoint, per_minute, time_scale=60.0, payloads=(b"1,2\n", b"3,4\n"), **options):
    url = f"http://127.0.0.1:{endpoint.server_address[1]}"
    return Traffic(
        "fraud",
        list(payloads),
        per_minute,
        time_scale=time_scale,
        client=partial(runtime_client, url),
        **options,
    )


def test_the_rate_is_per_virtual_minute(endpoint):
    summary = traffic(endpoint, 20, time_scale=60).run(virtual_minutes=1.0)

    # A virtual minute is a second here. Never more than 20 and the one at the very end; fewer where
    # the machine is busy with other tests.
    assert 10 <= summary.calls <= 21
    assert 10 <= summary.per_minute <= 21
    assert summary.errors == 0


def test_each_call_is_recorded_with_its_variant_and_latency(endpoint):
    summary = traffic(endpoint, 20).run(virtual_minutes=0.5)

    assert summary.variants == {"primary": summary.calls}
    assert 0 < summary.p50_ms <= summary.p99_ms
    assert set(endpoint.bodies) == {b"1,2\n", b"3,4\n"}
    assert set(endpoint.paths) == {"/endpoints/fraud/invocations"}


def test_failed_calls_are_counted_by_their_error_code(endpoint):
    endpoint.fails = True
    sent = traffic(endpoint, 20)

    summary = sent.run(virtual_minutes=0.5)

    assert summary.errors > 0
    assert summary.error_codes == {"ModelError": summary.errors}
    assert {call.status for call in sent.calls()} == {200, 424}


def test_slow_answers_do_not_slow_down_the_calls(endpoint):
    endpoint.delay_seconds = 0.5

    summary = traffic(endpoint, 8).run(virtual_minutes=1.0)

    # One after the other would be two in this second.
    assert summary.calls >= 4
    assert summary.p50_ms >= 500


def test_a_rate_beyond_the_machine_is_refused_with_what_would_be_possible(endpoint):
    endpoint.delay_seconds = 0.05

    with pytest.raises(RehearsalError) as caught:
        traffic(endpoint, 6000, time_scale=60).start()

    assert (
        "6000 invocations per virtual minute at time scale 60 are 6000 calls per real second"
        in (str(caught.value))
    )
    assert "per virtual minute or fewer" in str(caught.value)


def test_it_stops_at_once(endpoint):
    sent = traffic(endpoint, 1, time_scale=1)
    sent.start()

    began = time.monotonic()
    sent.stop()

    assert time.monotonic() - began < 1.0


def test_nothing_is_sent_after_the_stop(endpoint):
    sent = traffic(endpoint, 20)
    with sent:
        time.sleep(0.1)
    before = len(endpoint.bodies)

    time.sleep(0.2)

    assert len(endpoint.bodies) == before


@pytest.mark.parametrize(
    "url", ["https://runtime.sagemaker.us-east-1.amazonaws.com", "http://10.0.0.1:4510"]
)
def test_an_address_that_is_not_loopback_is_refused(url):
    with pytest.raises(RehearsalError, match="loopback only"):
        Traffic("fraud", [b"1"], 60, time_scale=1, client=partial(runtime_client, url))


def test_a_rate_of_zero_and_no_payload_are_refused(endpoint):
    with pytest.raises(RehearsalError, match="invocations_per_minute is 0"):
        traffic(endpoint, 0)
    with pytest.raises(RehearsalError, match="no payload"):
        traffic(endpoint, 60, payloads=())


def test_an_endpoint_that_nobody_serves_is_refused():
    url = "http://127.0.0.1:9"
    sent = Traffic("fraud", [b"1"], 60, time_scale=1, client=partial(runtime_client, url))

    with pytest.raises(RehearsalError, match="must be in service"):
        sent.start()


def test_a_summary_of_no_calls_has_no_latency(endpoint):
    assert math.isnan(traffic(endpoint, 20).summary().p99_ms)


def test_its_error_is_one_of_modelways():
    assert issubclass(RehearsalError, ModelwayError)


def test_calls_have_inference_ids_of_their_own_where_they_are_asked_for(endpoint):
    summary = traffic(endpoint, 20, inference_ids="fraud").run(virtual_minutes=0.5)

    named = [each for each in endpoint.inference_ids if each is not None]
    assert sorted(named) == sorted(f"fraud-{number}" for number in range(summary.calls))


def test_the_version_is_told_from_the_answer_of_the_row_that_was_sent(endpoint):
    asked = []

    def version_of(number, body):
        asked.append((number, body))
        return f"v{number}"

    sent = traffic(endpoint, 20, version_of=version_of)
    sent.run(virtual_minutes=0.5)

    assert {call.version for call in sent.calls()} == {"v0", "v1"}
    assert {body for _, body in asked} == {b"[1]"}


def test_the_rate_can_be_changed_while_calls_are_sent(endpoint):
    sent = traffic(endpoint, 20, arrivals=Arrivals(20, kind="poisson", seed=1))
    with sent:
        time.sleep(0.5)
        sent.change_rate(0)
        time.sleep(0.2)
        silent = len(sent.calls())
        time.sleep(0.5)
        assert len(sent.calls()) == silent > 0
        sent.change_rate(20)
        time.sleep(0.5)

    assert len(sent.calls()) > silent
