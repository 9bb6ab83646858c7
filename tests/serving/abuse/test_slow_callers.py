"""Callers that connect and dawdle, beside others that do not (S11, S12)."""

import time

import psutil

HEAD = b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"


def test_dawdling_callers_neither_delay_others_nor_stay(
    run_server, models, line, frame, traffic, size, unharmed
):
    server = run_server(models / "regressor")
    server.wait()
    good = frame({"instances": [[1, 2, 3, 4]]})
    with traffic(server, good, callers=2, rate=50) as base:
        time.sleep(size(1.5, 30))

    silent = [line(server) for _ in range(size(50, 250))]
    half = [line(server) for _ in range(size(50, 250))]
    for caller in half:
        caller.send(HEAD)
    slow = [line(server) for _ in range(size(40, 200))]
    for caller in slow:
        caller.send(HEAD + b"content-length: 100000\r\n\r\n{")
    opened = time.monotonic()
    try:
        pings = []
        with traffic(server, good, callers=2, rate=50) as seen:
            # A body may take 58 s; then who sends it byte by byte is cut off.
            while time.monotonic() - opened < size(4, 50):
                for caller in slow:
                    caller.send(b" ")
                begun = time.perf_counter()
                assert server.ping().status == 200
                pings.append(time.perf_counter() - begun)
                time.sleep(0.1)

        assert max(pings) < 2.0
        assert set(seen.statuses) == {200}
        assert seen.lost == seen.refused == []
        # Twice the time without them is the aim; 0.25 s is what a shared machine can add.
        assert seen.percentile(0.99) < 2 * base.percentile(0.99) + 0.25

        for caller in silent + half:
            assert caller.read_all() == b""
        # Closed within 10 s; the rest is for a machine that does other things.
        assert time.monotonic() - opened < size(13, 70)
        # A body may take as long as an invocation, so those callers are still there.
        sockets = psutil.Process(server.process.pid).children()[0].net_connections("tcp")
        assert sum(each.status == "ESTABLISHED" for each in sockets) >= len(slow)
    finally:
        for caller in silent + half + slow:
            caller.close()
    unharmed(server)


def test_connecting_and_pinging_stay_quick_while_all_is_busy(
    run_server, models, line, frame, traffic, size, unharmed
):
    server = run_server(models / "slow", MODEL_SERVER_THREADS=1)
    server.wait()
    server.post({"inputs": [[500]]})  # learns that it is slow
    busy = frame({"inputs": [[100]]})
    ping = b"GET /ping HTTP/1.1\r\nhost: a\r\n\r\n"
    accepts, pings = [], []

    with traffic(server, busy, callers=8) as seen:
        until = time.monotonic() + size(3, 60)
        while time.monotonic() < until:
            begun = time.perf_counter()
            with line(server) as caller:
                accepted = time.perf_counter()
                assert caller.ask(ping)[0] == 200
                accepts.append(accepted - begun)
                pings.append(time.perf_counter() - accepted)
            time.sleep(0.02)

    assert set(seen.statuses) == {200}
    assert max(accepts) < 0.25
    assert max(pings) < 2.0
    unharmed(server)
