"""The emulator's process: puts the parts together, restores the state, serves until told to stop.

    python -m modelway.emulator.server --port 4510 --state DIR [--time-scale 60]
        [--runtime process|docker] [--no-replicas] [--listening-fd N]

Started by `modelway.emulator.process`, which may hand it a listening socket. Says on standard error
what it does, and announces itself in the state folder when it is ready. SIGTERM or SIGINT stop it.
"""

import argparse
import logging
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from modelway.emulator.clock import Clock
from modelway.emulator.services import Services, Settings
from modelway.emulator.state import StateFolder, Times
from modelway.errors import EmulatorError, ModelwayError

log = logging.getLogger("modelway.emulator")

_REMEMBER_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Run the emulator; gives the exit status."""
    options = _options(arguments)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        return _run(options)
    except ModelwayError as error:
        log.error("%s", error)  # noqa: TRY400 - the message is for the user, the trace is not
        return 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m modelway.emulator.server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--runtime", choices=("process", "docker"), default="process")
    parser.add_argument("--no-replicas", action="store_true")
    parser.add_argument("--listening-fd", type=int)
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    folder = StateFolder(options.state)
    folder.hold()
    times = folder.times()
    clock = Clock(options.time_scale, origin=max(time.time(), times.last if times else 0.0))
    birth = times.birth if times else clock.now()
    folder.remember(Times(birth, clock.now()))

    from modelway.emulator.moto_world import MotoWorld

    world = MotoWorld(clock, birth)
    world.install()
    listening = _listening_socket(options)
    settings = Settings(
        port=listening.getsockname()[1],
        state_dir=options.state,
        runtime=options.runtime,
        replicas=not options.no_replicas,
    )
    emulator = Emulator(Services(settings, clock), world, folder, birth)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: emulator.services.stopping.set())
    emulator.restore()
    emulator.serve(listening)
    folder.announce(settings.port)
    log.info("ready on %s after %.2f s", settings.url, time.monotonic() - began)
    try:
        emulator.wait()
    finally:
        emulator.close()
        folder.withdraw()
    return 0


def _listening_socket(options: argparse.Namespace) -> socket.socket:
    from modelway.emulator.listener import loopback_socket

    if options.listening_fd is not None:
        return socket.socket(fileno=options.listening_fd)
    try:
        return loopback_socket(options.port)
    except OSError as error:
        raise EmulatorError(
            f"starting the emulator: port {options.port} cannot be used ({error});"
            " choose another with --port"
        ) from error


class Emulator:
    """All parts of one emulator.

    Args:
        services: settings and clock; this adds the parts.
        world: what moto takes for time and chance, already installed.
        folder: the state folder, held by this process.
        birth: virtual time of the state's first start.
    """

    def __init__(self, services: Services, world: Any, folder: StateFolder, birth: float) -> None:
        from modelway.emulator import wiring
        from modelway.emulator.journal import Journal

        self.services = services
        self._folder = folder
        self._birth = birth
        self._journal = Journal(folder.path)
        if self._journal.repaired:
            log.warning("%s", self._journal.repaired)
        self._parts = wiring.Parts(services)
        self._front, self._control = self._parts.front(world, self._journal, self._reset)
        self._listener: Any = None

    def restore(self) -> None:
        """Make the journal's requests again, so that everything is as it was."""
        began, count, changed = time.monotonic(), 0, 0
        self.services.replaying = True
        try:
            for entry in self._journal.entries():
                count += 1
                status = self._front.replay(entry)
                if status >= 400:  # noqa: PLR2004 - HTTP's border
                    changed += 1
                    log.warning("restoring: %s %s answered %d", entry.method, entry.url, status)
        finally:
            self.services.replaying = False
        if count:
            log.info("restored %d requests in %.2f s", count, time.monotonic() - began)
        if changed:
            warning = f"{changed} of {count} requests answered differently when restored"
            self._control.warnings = (f"{warning}; `modelway emulator logs` names them",)

    def serve(self, listening: socket.socket) -> None:
        """Answer requests from now on, in the background."""
        from modelway.emulator.listener import Listener

        self._listener = Listener(listening, self._front)
        for target in (self._listener.serve, self._remember, self._parts.begin):
            threading.Thread(target=target, daemon=True).start()

    def wait(self) -> None:
        """Return when the emulator has been told to stop."""
        # In steps: a signal is only seen between two of them on some systems.
        while not self.services.stopping.wait(0.5):
            pass

    def close(self) -> None:
        """Stop everything that runs; returns when nothing is left."""
        log.info("stopping")
        self.services.stopping.set()
        self.services.hosting.stop()
        self._listener.shutdown()
        self._listener.server_close()
        with self.services.lock:
            self._journal.close()
            self._folder.remember(Times(self._birth, self.services.clock.now()))
        log.info("stopped")

    def _reset(self) -> None:
        self._parts.reset(self._journal)
        log.info("everything is forgotten")

    def _remember(self) -> None:
        while not self.services.stopping.wait(_REMEMBER_SECONDS):
            self._folder.remember(Times(self._birth, self.services.clock.now()))


if __name__ == "__main__":
    sys.exit(main())
