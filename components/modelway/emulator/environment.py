"""The environment in which programs work against an emulator.

Takes a running emulator's address and state folder; gives the variables that `modelway emulator
env` prints, after which `pulumi`, `aws` and boto3 use the emulator and cannot reach AWS: the keys
are dummies, no profile is read and the metadata service is off. Also the environment of the
emulator's own process. Nothing here changes this process's environment.
"""

import os
import shlex
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

import modelway.emulator
from modelway.engine import find_engine

REGION = "us-east-1"

PASSPHRASE = "modelway-emulator"  # noqa: S105 - public on purpose: it guards emulated secrets only
"""Encrypts the secrets in the emulator's own state backend."""

POLL_SECONDS = 0.2
"""How often a deployment asks the emulator how far it is; AWS is asked every 15 s."""

_AWS_DUMMIES = {
    "AWS_ACCESS_KEY_ID": "AKIAEMULATOREMULATOR",
    "AWS_SECRET_ACCESS_KEY": "no-secret-the-emulator-checks-none",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

_UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
"""Variables that would lead back to a real account."""

_PASSED_ON = frozenset(
    {
        "ALL_PROXY",
        "DOCKER_CERT_PATH",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "DOCKER_HOST",
        "DOCKER_TLS_VERIFY",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "LANG",
        "LC_ALL",
        "PATH",
        "PYTHONPATH",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TEMP",
        "TMP",
        "TMPDIR",
        "USER",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
        "all_proxy",
        "http_proxy",
        "https_proxy",
    }
)
_PASSED_ON_PREFIXES = ("PIP_", "UV_")
"""The model server's packages may have to be installed, so pip must find the user's index."""


def client_environment(
    url: str, state_folder: Path, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Give the variables that lead a program to the emulator.

    Args:
        url: the emulator's address.
        state_folder: where it keeps its state; Pulumi's state is put beside it.
        base: where PATH, proxies, and endpoints set for single services are taken from; default:
            this process's environment.
    """
    base = os.environ if base is None else base
    path = base.get("PATH", os.defpath)
    return {
        "AWS_ENDPOINT_URL": url,
        # They win over the general one, and would lead past the emulator.
        **{name: url for name in base if name.startswith("AWS_ENDPOINT_URL_")},
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        **_AWS_DUMMIES,
        **_loopback_is_direct(base),
        "MODELWAY_EMULATOR_URL": url,
        "MODELWAY_POLL_SECONDS": str(POLL_SECONDS),
        "PULUMI_BACKEND_URL": f"file://{backend_folder(state_folder)}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PATH": os.pathsep.join(
            _without_repeats(
                # Last, so that `modelway` is found and nothing of the user's is hidden.
                [*_path_entries(path), *path.split(os.pathsep), _own_programs()]
            )
        ),
    }


def child_environment(url: str, state_folder: Path, base: Mapping[str, str]) -> dict[str, str]:
    """Give a child's whole environment: `base` with the emulator's variables over it.

    This interpreter's programs come before those of `base`: an official Pulumi runs programs with
    the `python3` that it finds on PATH, and that one must have modelway.

    Args:
        url: the emulator's address.
        state_folder: where it keeps its state.
        base: the variables to start from; those that name a real account are left out.
    """
    path = os.pathsep.join([_own_programs(), base.get("PATH", os.defpath)])
    kept = {name: value for name, value in base.items() if name not in _UNSET}
    return kept | client_environment(url, state_folder, {**base, "PATH": path})


def posix_exports(environment: Mapping[str, str]) -> str:
    """Give shell code that sets `environment` and clears what would lead to a real account."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    return "\n".join([f"unset {' '.join(_UNSET)}", *exports]) + "\n"


def backend_folder(state_folder: Path) -> Path:
    """Give where Pulumi keeps the state of stacks on this emulator."""
    return state_folder / "pulumi"


def server_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment of the emulator's own process: no credentials, and nothing unknown."""
    base = os.environ if base is None else base
    kept = {
        name: value
        for name, value in base.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    return {**kept, **_AWS_DUMMIES, **_loopback_is_direct(base), "TZ": "UTC"}


def _loopback_is_direct(base: Mapping[str, str]) -> dict[str, str]:
    """Keep the user's proxy, if any, from being asked for this machine: boto3 would ask it."""
    direct = {"127.0.0.1", "localhost"}
    for name in ("NO_PROXY", "no_proxy"):
        direct |= {host for host in base.get(name, "").split(",") if host}
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(sorted(direct)))


def _own_programs() -> str:
    """Give the folder of this interpreter and of the `modelway` command."""
    return sysconfig.get_path("scripts")


def _path_entries(path: str) -> Iterable[str]:
    yield str(Path(modelway.emulator.__file__).parent / "bin")
    engine = find_engine(path)
    if engine is not None:
        yield from (str(entry) for entry in engine.path_entries)


def _without_repeats(entries: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(entry for entry in entries if entry))
