"""Workers that are killed and servers that are stopped, with traffic all the while (S13, S14)."""

import signal
import threading
import time

import psutil

ROW = {"instances": [[1, 2, 3, 4]]}


def test_a_killed_worker_takes_only_its_own_connections_along(
    run_server, models, frame, traffic, workers, size
):
    server = run_server(models / "classifier", MODEL_SERVER_WORKERS=2)
    server.wait()
    kills, pause = size((3, 1.0), (30, 10.0))
    until = time.monotonic() + 20
    while len(server.events("worker_ready")) < 2:
        assert time.monotonic() < until, server.events()
        time.sleep(0.05)
    callers = 8

    with traffic(server, frame(ROW), callers=callers, rate=80) as seen:
        for number in range(kills):
            time.sleep(pause)
            before = len(server.events("worker_ready"))
            killed = workers(server)[number % 2]
            killed.kill()
            begun = time.monotonic()
            while len(server.events("worker_ready")) == before:
                # 5 s is the aim; a worker starts in less than one on a quiet machine.
                assert time.monotonic() - begun < 8.0, server.events()
                time.sleep(0.02)
            assert server.process.poll() is None
        time.sleep(0.5)

    assert seen.refused == []
    assert set(seen.statuses) == {200}
    # Each caller has one connection, so a kill costs it one request at most.
    assert len(seen.lost) <= kills * callers
    assert len(seen.statuses) > kills * pause * 80 / 4
    assert len(server.events("worker_died")) == kills
    assert server.stop() == 0


def test_a_request_sent_anew_after_a_kill_is_answered(run_server, models, line, frame, workers):
    server = run_server(models / "classifier", MODEL_SERVER_WORKERS=2)
    server.wait()
    until = time.monotonic() + 20
    while len(server.events("worker_ready")) < 2:
        assert time.monotonic() < until, server.events()
        time.sleep(0.05)

    workers(server)[0].kill()
    statuses = []
    for _ in range(100):
        with line(server) as caller:
            statuses.append(caller.ask(frame(ROW))[0])

    assert statuses == [200] * 100
    assert server.stop() == 0


def test_stopping_under_traffic_loses_no_accepted_request(
    run_server, models, line, frame, traffic, size
):
    server = run_server(models / "slow", MODEL_SERVER_WORKERS=2, MODEL_SERVER_THREADS=1)
    server.wait()
    server.post({"inputs": [[500]]})
    waiting = [line(server) for _ in range(size(40, 200))]
    over, late = threading.Event(), []

    def look():
        while not over.is_set():
            try:
                if server.ping().status == 503:
                    late.append(time.monotonic())
                    return
            except Exception:  # noqa: BLE001  # pool errors: it is gone, and was never unready
                return
            time.sleep(0.02)

    # A connection for each request: who sends as the server closes cannot know whether it was read.
    with traffic(server, frame({"inputs": [[1]]}), callers=4, rate=50, reuse=False) as seen:
        until = time.monotonic() + 30
        while len(seen.statuses) <= 10:
            assert time.monotonic() < until, seen
            time.sleep(0.02)
        for caller in waiting:
            # More of them with less to do each: those who come later wait behind all of them.
            caller.send(frame({"inputs": [[size(40, 12)]]}))
        time.sleep(0.5)
        looking = threading.Thread(target=look)
        looking.start()
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        statuses = [caller.read()[0] for caller in waiting]
        code = server.process.wait(30)
        ended = time.monotonic()
        over.set()
        looking.join()
    for caller in waiting:
        caller.close()

    assert statuses == [200] * len(waiting)
    assert set(seen.statuses) == {200}
    assert seen.lost == []
    assert code == 0
    assert ended - begun <= 25.0
    # 1 s is the aim.
    assert late[0] - begun < size(3.0, 1.0)
    assert server.events("stopped")[0]["requests_lost"] == 0
    assert not [
        each
        for each in psutil.net_connections("tcp4")
        if each.laddr.port == server.port and each.status == "LISTEN"
    ]
