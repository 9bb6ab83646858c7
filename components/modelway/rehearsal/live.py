"""Shows a rehearsal while it runs: on a terminal with a line that changes, else plain lines.

Takes events, progress and the running traffic, writes to stderr. Must not decide anything.
"""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from modelway.rehearsal.record import Event
from modelway.rehearsal.traffic import Traffic

_COLORS = {
    "alarm": "red",
    "fault": "magenta",
    "rollback-started": "red",
    "rolled-back": "red",
    "replica-exited": "red",
    "interrupted": "magenta",
    "promoted": "green",
    "create-ended": "green",
    "traffic": "cyan",
    "bake-started": "yellow",
}
_REFRESHES_PER_SECOND = 4
_STAGES = {
    "create-started": "creating",
    "create-ended": "serving",
    "update-started": "provisioning the new fleet",
    "bake-started": "baking",
    "rollback-started": "rolling back",
    "rolled-back": "rolled back",
    "promoted": "promoted",
}


class LiveTimeline:
    """Prints events as they come.

    Args:
        console: where to. Default: stderr.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = Console(stderr=True, highlight=False) if console is None else console
        self._began: float | None = None
        self._traffic: Traffic | None = None
        self._stage = "starting"
        self._shares: Mapping[str, float] = {}
        self._live: Live | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._status,
                console=self._console,
                refresh_per_second=_REFRESHES_PER_SECOND,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def progress(self, line: str) -> None:
        """Say what is being done."""
        self._console.print(Text(line, style="bold"))

    def event(self, event: Event) -> None:
        """Print one event; times are virtual seconds since the first."""
        with self._lock:
            if self._began is None:
                self._began = event.at
            self._stage = _STAGES.get(event.kind, self._stage)
            if event.kind == "traffic":
                self._shares = event.data.get("shares", {})
            line = Text(f"{event.at - self._began:7.0f} s  ", style="dim")
            line.append(f"{event.kind:<16} ", style=_COLORS.get(event.kind, "default"))
            line.append(event.text, style="default")
            self._console.print(line, soft_wrap=True)

    def watch(self, traffic: Traffic) -> None:
        """Show figures of this traffic from now on."""
        self._traffic = traffic

    def _status(self) -> Text:
        text = Text(f"  {self._stage}", style="bold")
        if self._shares:
            split = ", ".join(f"{name[-12:]} {share:.0%}" for name, share in self._shares.items())
            text.append(f"  traffic {split}", style="cyan")
        if self._traffic is not None:
            figures = self._traffic.summary()
            text.append(f"  {figures.calls} requests, {figures.errors} failed")
            if figures.calls:
                text.append(f", p99 {figures.p99_ms:.0f} ms")
        return text
