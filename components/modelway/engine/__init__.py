"""The Pulumi engine: found, downloaded or built, run, and repaired after it was killed.

Takes the machine, gives an `Engine` and the environment to run it in. Importing this package must
load nothing else: the hosts that a running engine waits for live below it.

    engine = ensure_engine(progress=print)
    subprocess.run(["pulumi", "up"], env=engine_environment(engine))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelway.engine.environment import engine_environment
    from modelway.engine.locate import Engine, ensure_engine, find_engine
    from modelway.engine.recovery import RepairAction, StackCondition, diagnose, repair

_HOMES = {
    "Engine": "locate",
    "RepairAction": "recovery",
    "StackCondition": "recovery",
    "diagnose": "recovery",
    "engine_environment": "environment",
    "ensure_engine": "locate",
    "find_engine": "locate",
    "repair": "recovery",
}

__all__ = [
    "Engine",
    "RepairAction",
    "StackCondition",
    "diagnose",
    "engine_environment",
    "ensure_engine",
    "find_engine",
    "repair",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
