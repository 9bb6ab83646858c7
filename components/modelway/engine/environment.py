"""The environment in which an engine runs.

Takes an engine and the variables to start from, gives a complete environment for a subprocess. It
must not change this process's own environment.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelway.engine.locate import Engine


def engine_environment(
    engine: Engine,
    base: Mapping[str, str] | None = None,
    *,
    path_entries: Sequence[Path] = (),
    home: Path | None = None,
    backend_url: str | None = None,
    passphrase: str | None = None,
    acquire_plugins: bool = True,
) -> dict[str, str]:
    """Give the environment for running `pulumi`.

    Args:
        engine: which engine to run.
        base: the variables to start from; default: this process's environment.
        path_entries: directories that come on PATH before the engine's own, such as providers.
        home: PULUMI_HOME, where the engine keeps its log-ins and plugins; default: unchanged,
            since a user's own log-in is there.
        backend_url: where state is kept, for example `file:///srv/state`; default: unchanged.
        passphrase: encrypts secrets in a file backend; default: unchanged.
        acquire_plugins: let the engine download providers that it does not find.
    """
    environment = dict(os.environ if base is None else base)
    first = [str(entry) for entry in (*path_entries, *engine.path_entries)]
    path = os.pathsep.join([*first, environment.get("PATH", os.defpath)])
    home_of_engine = str(engine.executable.parent)
    if home_of_engine not in first and shutil.which("pulumi", path=path) != str(engine.executable):
        first.insert(len(path_entries), home_of_engine)  # `base` has another PATH
    rest = [
        entry
        for entry in environment.get("PATH", os.defpath).split(os.pathsep)
        if entry not in first
    ]
    environment["PATH"] = os.pathsep.join([*first, *rest])
    environment["PULUMI_SKIP_UPDATE_CHECK"] = "true"
    if home is not None:
        environment["PULUMI_HOME"] = str(home)
    if backend_url is not None:
        environment["PULUMI_BACKEND_URL"] = backend_url
    if passphrase is not None:
        environment["PULUMI_CONFIG_PASSPHRASE"] = passphrase
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
    if not acquire_plugins:
        environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    return environment
