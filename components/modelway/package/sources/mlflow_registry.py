"""MLflow's model registry: a version's model folder, fetched by MLflow's own client.

Takes `models:/NAME/VERSION`, `models:/NAME@ALIAS`, `models:/NAME/latest` or `runs:/RUN_ID/PATH`,
and gives the model's folder with what MLflow knows of it. An alias becomes a version once, and that
is what is fetched and written down. Alone imports `mlflow`, which takes seconds, when it is asked;
must not load the model.

URIs: MLflow, "MLflow Model Registry", fetching a model version; `mlflow.artifacts`. Stages are
deprecated since MLflow 2.9.
"""

import importlib.util
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from modelway.errors import ModelRegistryError, ModelwayError
from modelway.package.manifest import RegisteredModel
from modelway.package.sources.registries import Source

LATEST = "latest"
"""What MLflow calls the version with the greatest number."""

FORMS = "models:/NAME/VERSION, models:/NAME@ALIAS, models:/NAME/latest or runs:/RUN_ID/PATH"

QUIET: Mapping[str, str] = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",  # MLflow sends usage data since 3.2
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""Variables that the client gets, whatever they were."""

PATIENCE: Mapping[str, str] = {
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Variables that the client gets for questions, unless the user has set them: a server that does
not answer is given up after a minute; with MLflow's own values, 8 times 120 s, after 20. Fetching
has MLflow's own, since a server may first have to get a large file from its store."""

ABSENT = frozenset({"INVALID_PARAMETER_VALUE", "NOT_FOUND", "RESOURCE_DOES_NOT_EXIST"})
"""MLflow's error codes for what is not there; the first is that of an alias."""

SHOWN = 10
"""Names or versions that a message lists."""

CONTAINERS = frozenset({"abfs", "abfss", "wasb", "wasbs"})
"""Schemes of Azure, which have the name of a container where others have that of a user."""

_REASON_LENGTH = 300


@dataclass(frozen=True)
class _Wanted:
    """What a URI names: `name` with `suffix` or `alias`, or the artifact `path` of `run_id`."""

    name: str = ""
    suffix: str = ""
    alias: str = ""
    run_id: str = ""
    path: str = ""


def fetch(uri: str, folder: Path, tracking_uri: str | None, tell: Callable[[str], None]) -> Source:
    """Fetch what a URI names into an empty folder; see `registries.Fetch`.

    Raises:
        ModelRegistryError: MLflow's client is not installed, no server is named or it does not
            answer, or it has not what the URI names.
    """
    wanted = _parsed(uri)
    if importlib.util.find_spec("mlflow") is None:
        raise ModelRegistryError(
            f"fetching {uri}: this needs MLflow's client, which is not installed: "
            "pip install 'modelway[mlflow]'"
        )
    tell("asking MLflow")
    given = {} if tracking_uri is None else {"MLFLOW_TRACKING_URI": tracking_uri}
    with _environment({**QUIET, **given}):
        import mlflow

        if not mlflow.is_tracking_uri_set():
            raise ModelRegistryError(
                f"fetching {uri}: no server of MLflow is named; set MLFLOW_TRACKING_URI, or say "
                "--tracking-uri https://mlflow.example.com"
            )
        server = mlflow.get_tracking_uri() if wanted.run_id else mlflow.get_registry_uri()
        with _told(f"fetching {uri} from MLflow at {_without_credentials(server)}", server):
            unset = {name: value for name, value in PATIENCE.items() if name not in os.environ}
            with _environment(unset):
                client = mlflow.MlflowClient()
                found = (_run if wanted.run_id else _registered)(client, uri, wanted)
            tell(f"fetching {found.shown}")
            path = mlflow.artifacts.download_artifacts(
                artifact_uri=found.shown, dst_path=str(folder)
            )
            return replace(found, path=Path(path))


def _parsed(uri: str) -> _Wanted:
    scheme, _, rest = uri.partition(":/")
    first, slash, second = rest.partition("/")
    if scheme == "runs" and first and second.strip("/"):
        return _Wanted(run_id=first, path=second.strip("/"))
    if scheme == "models" and first and second and "/" not in second:
        return _Wanted(name=first, suffix=second)
    name, _, alias = first.rpartition("@")
    if scheme == "models" and not slash and name and alias:
        return _Wanted(name=name, alias=alias)
    raise ModelRegistryError(f"{uri!r} names no model of MLflow: {FORMS}")


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment, which MLflow's client reads, and put them back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _told(doing: str, server: str) -> Iterator[None]:
    """Say what went wrong, without credentials."""
    try:
        yield
    except ModelwayError:
        raise
    except Exception as error:  # noqa: BLE001 - every store has a library with errors of its own
        reason = f"{type(error).__name__}: {error}".replace(server, _without_credentials(server))
        _, caused, cause = reason.rpartition("(Caused by ")
        reason = cause.removesuffix(")") if caused else reason
        reason = " ".join(re.sub(r"//[^/\s]*@", "//", reason).split())[:_REASON_LENGTH].rstrip(".")
        raise ModelRegistryError(
            f"{doing}: {reason}. See that it is there, that MLFLOW_TRACKING_URI or --tracking-uri "
            "names the server, and that this answers to MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        ) from None


def _without_credentials(uri: str) -> str:
    scheme, separator, rest = uri.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _registered(client: Any, uri: str, wanted: _Wanted) -> Source:
    """Give what the registry knows of a version."""
    version = _version(client, uri, wanted)
    shown = f"models:/{wanted.name}/{version.version}"
    if version.status not in (None, "READY"):
        why = f" ({version.status_message})" if version.status_message else ""
        raise ModelRegistryError(
            f"fetching {uri}: {shown} is {version.status}{why}, and only READY versions are "
            "packaged; register the model again"
        )
    metrics, notes = _metrics(client, version.run_id) if version.run_id else ({}, ())
    return Source(
        Path(),
        name=_package_name(wanted.name),
        version=str(version.version),
        registered=RegisteredModel(
            registry="mlflow",
            name=wanted.name,
            version=str(version.version),
            run_id=version.run_id or None,
            source=_portable(version.source or ""),
        ),
        training_job=f"mlflow run {version.run_id}" if version.run_id else None,
        metrics=metrics,
        notes=(*(() if shown == uri else (f"{uri} is {shown}",)), *notes),
        shown=shown,
    )


def _run(client: Any, uri: str, wanted: _Wanted) -> Source:
    """Give what MLflow knows of a run that logged a model."""
    metrics, notes = _metrics(client, wanted.run_id)
    return Source(
        Path(),
        name=_package_name(PurePosixPath(wanted.path).stem),
        training_job=f"mlflow run {wanted.run_id}",
        metrics=metrics,
        notes=notes,
        shown=uri,
    )


def _version(client: Any, uri: str, wanted: _Wanted) -> Any:
    """Give the version that is wanted, or say which ones there are."""
    from mlflow.exceptions import MlflowException

    try:
        if wanted.alias:
            return client.get_model_version_by_alias(wanted.name, wanted.alias)
        if wanted.suffix.isdecimal():
            return client.get_model_version(wanted.name, wanted.suffix)
        versions = _versions(client, wanted.name)
        if wanted.suffix.lower() == LATEST and versions:
            return versions[0]
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
    stage = wanted.suffix and not wanted.suffix.isdecimal() and wanted.suffix.lower() != LATEST
    what = "stages are deprecated in MLflow, and not taken" if stage else "it is not there"
    raise ModelRegistryError(
        f"fetching {uri}: {what}; {_there(client, wanted.name)}. Name a version or an alias: "
        f"{FORMS}"
    )


def _versions(client: Any, name: str) -> list[Any]:
    """Give every version of a model, the newest first."""
    found = client.search_model_versions(f"name = '{name}'")
    return sorted(found, key=lambda each: int(each.version), reverse=True)


def _there(client: Any, name: str) -> str:
    """Say what there is of a model, or which models there are."""
    from mlflow.exceptions import MlflowException

    try:
        aliases = dict(client.get_registered_model(name).aliases)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        models = [each.name for each in client.search_registered_models(max_results=SHOWN)]
        return f"no model is named {name}, and there are {_listed(models)}"
    told: list[str] = []
    for each in _versions(client, name):
        marks = [f"@{alias}" for alias, at in sorted(aliases.items()) if str(at) == each.version]
        if each.current_stage not in (None, "None"):
            marks.append(f"in stage {each.current_stage}")
        told.append(f"{each.version} ({', '.join(marks)})" if marks else str(each.version))
    return f"the versions of {name} are {_listed(told)}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "") or "none"


def _metrics(client: Any, run_id: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """Give the last value of each metric of a run, but not what MLflow measured of the machine."""
    from mlflow.exceptions import MlflowException

    try:
        logged: Mapping[str, float] = client.get_run(run_id).data.metrics
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        return {}, (f"the run {run_id} is not in MLflow any more, so its metrics are not stated",)
    kept = {name: value for name, value in logged.items() if not name.startswith("system/")}
    finite = {name: value for name, value in kept.items() if math.isfinite(value)}
    odd = ", ".join(sorted(set(kept) - set(finite)))
    return finite, (f"metrics of the run that are no finite numbers: {odd}",) if odd else ()


def _package_name(name: str) -> str:
    return re.sub("[^A-Za-z0-9]+", "-", name).strip("-")


def _portable(source: str) -> str | None:
    """Give where a registry keeps a version: without credentials, and no path of a machine."""
    parts = urlsplit(source)
    if parts.scheme in ("", "file"):
        return None
    user, _, host = parts.netloc.rpartition("@")
    if user and parts.scheme in CONTAINERS and ":" not in user:
        host = parts.netloc
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
