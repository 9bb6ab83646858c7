"""The provider's gRPC calls (pulumi/pulumi: proto/pulumi/provider.proto).

Turns each of the engine's requests into plain values, has the other modules do the work, and turns
the result or the error back. It holds the configuration of one provider instance and nothing else.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, status_pb2

from modelway.emulator.provider import lifecycle
from modelway.emulator.provider.check import DEFAULTS, Naming, check
from modelway.emulator.provider.clients import Clients
from modelway.emulator.provider.difference import Difference, comparison
from modelway.emulator.provider.entry import Entry
from modelway.emulator.provider.invokes import invoke
from modelway.emulator.provider.plugin import (
    Plugin,
    answering,
    changes,
    name_of,
    refuse,
    type_of,
)
from modelway.emulator.provider.reading import inputs_of, read
from modelway.emulator.provider.schema import package_schema, schema_text
from modelway.emulator.provider.table import entry_of
from modelway.emulator.provider.tags import wanted_tags
from modelway.emulator.provider.target import Setup, Target
from modelway.emulator.provider.wire import (
    UNKNOWN,
    Properties,
    holds_unknown,
    read_struct,
    write_struct,
)
from modelway.errors import EmulatorError


class AwsProvider(Plugin):
    """The `aws` package, one configuration of it.

    Args:
        clients: reach the emulator.
        directory: where relative paths of assets begin.
        region: where no configuration names one.
    """

    package = "aws"

    def __init__(self, clients: Clients, directory: str, region: str) -> None:
        super().__init__()
        self._setup = Setup(
            clients=clients, region=region, directory=directory, cancelled=self.cancelled
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Give the version of pulumi_aws whose types this provider takes."""
        del request, context
        return plugin_pb2.PluginInfo(version=package_schema()["version"])

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Give the schema of what is covered."""
        del request, context
        return provider_pb2.GetSchemaResponse(schema=schema_text())

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Replace the provider, with what it made, only when it moves to another region."""
        del context
        olds, news = read_struct(request.olds).values, read_struct(request.news).values
        changed = sorted(name for name in {*olds, *news} if olds.get(name) != news.get(name))
        moved = "region" in olds and olds.get("region") != news.get("region")
        return provider_pb2.DiffResponse(
            changes=changes(changed), diffs=changed, replaces=["region"] if moved else []
        )

    @answering
    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Take the region and the tags; credentials and endpoints are the emulator's own."""
        del context
        values = read_struct(request.args).values
        given = values or {
            name.removeprefix("aws:config:"): value for name, value in request.variables.items()
        }
        default = _decoded(given.get("defaultTags"))
        ignore = _decoded(given.get("ignoreTags"))
        region = given.get("region")
        self._setup = Setup(
            clients=self._setup.clients,
            region=region if isinstance(region, str) and region else self._setup.region,
            default_tags={k: str(v) for k, v in (default.get("tags") or {}).items()},
            ignored_tags=frozenset(ignore.get("keys") or ()),
            ignored_tag_prefixes=tuple(ignore.get("keyPrefixes") or ()),
            directory=self._setup.directory,
            cancelled=self.cancelled,
        )
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @answering
    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer a function."""
        del context
        args = read_struct(request.args)
        result = invoke(request.tok, args.values, self._setup)
        secrets = result if args.secrets else ()
        return provider_pb2.InvokeResponse(**{"return": write_struct(result, secrets)})

    @answering
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Check a resource's inputs and name it."""
        del context
        entry = entry_of(type_of(request.urn))
        news = read_struct(request.news)
        naming = Naming(name_of(request.urn), request.randomSeed or request.urn.encode())
        if request.HasField("autonaming"):
            mode = provider_pb2.CheckRequest.AutonamingOptions.Mode.Name(request.autonaming.mode)
            naming = Naming(naming.logical, naming.seed, request.autonaming.proposed_name, mode)
        inputs, failures = check(entry, news.values, read_struct(request.olds).values, naming)
        return provider_pb2.CheckResponse(
            inputs=write_struct(inputs, news.secrets),
            failures=[
                provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
                for failure in failures
            ],
        )

    @answering
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Say what would change, and whether that needs a new resource."""
        del context
        entry = entry_of(type_of(request.urn))
        news, olds = read_struct(request.news).values, read_struct(request.olds).values
        found = comparison(entry).differences(news, olds)
        found += self._tag_differences(entry, news, olds)
        found = [each for each in found if not any(map(each.below, request.ignoreChanges))]
        replaces = sorted({each.property for each in found if each.replaces})
        rule = entry.auto_name
        fixed = rule is not None and rule.property not in news.get(DEFAULTS, ())
        return provider_pb2.DiffResponse(
            changes=changes(found),
            diffs=sorted({each.property for each in found}),
            replaces=replaces,
            # Two resources of one name cannot be there at once.
            deleteBeforeReplace=bool(
                replaces
                and (
                    entry.delete_first
                    or (fixed and rule and news.get(rule.property) == olds.get(rule.property))
                )
            ),
            detailedDiff={each.path: _property_diff(each) for each in found},
            hasDetailedDiff=True,
        )

    @answering
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Create a resource, or say what creating it would give."""
        news = read_struct(request.properties)
        target = self._target(request, "", news, Properties({}))
        if request.preview:
            state = lifecycle.planned(target)
            return provider_pb2.CreateResponse(
                id="", properties=write_struct(state, _secret(state, news.secrets))
            )
        try:
            state = lifecycle.create(target)
        except lifecycle.PartlyDone as error:
            _partly_done(context, f"creating {_what(target)}: {error}", target.id, error, news)
        except EmulatorError as error:
            raise EmulatorError(f"creating {_what(target)}: {error}") from error
        return provider_pb2.CreateResponse(
            id=target.id, properties=write_struct(state, _secret(state, news.secrets))
        )

    @answering
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Read a resource, for a refresh or an import; an empty id says that it is gone."""
        del context
        olds, inputs = read_struct(request.properties), read_struct(request.inputs)
        target = self._target(request, request.id, Properties({}), olds)
        if target.entry.parse_id is not None:
            target.state = {**target.entry.parse_id(request.id), **target.state}
        before = dict(target.state)
        try:
            state = read(target)
        except EmulatorError as error:
            raise EmulatorError(f"reading {_what(target)}: {error}") from error
        if state is None:
            return provider_pb2.ReadResponse()
        target.state = before
        kept = inputs_of(target, inputs.values, state)
        secrets = olds.secrets | inputs.secrets
        return provider_pb2.ReadResponse(
            id=target.id,
            properties=write_struct(state, _secret(state, secrets)),
            inputs=write_struct(kept, _secret(kept, secrets)),
        )

    @answering
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Change a resource, or say what changing it would give."""
        news, olds = read_struct(request.news), read_struct(request.olds)
        target = self._target(request, request.id, news, olds)
        secrets = news.secrets | (olds.secrets - target.entry.shape.inputs.fields.keys())
        if request.preview:
            state = lifecycle.planned(target)
            return provider_pb2.UpdateResponse(
                properties=write_struct(state, _secret(state, secrets))
            )
        try:
            state = lifecycle.update(target)
        except lifecycle.PartlyDone as error:
            _partly_done(context, f"updating {_what(target)}: {error}", target.id, error, news)
        except EmulatorError as error:
            raise EmulatorError(f"updating {_what(target)}: {error}") from error
        return provider_pb2.UpdateResponse(properties=write_struct(state, _secret(state, secrets)))

    @answering
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Delete a resource."""
        del context
        target = self._target(request, request.id, Properties({}), read_struct(request.properties))
        try:
            lifecycle.delete(target)
        except EmulatorError as error:
            raise EmulatorError(f"deleting {_what(target)}: {error}") from error
        return empty_pb2.Empty()

    def _target(self, request: Any, id_: str, news: Properties, olds: Properties) -> Target:
        inputs = {name: value for name, value in news.values.items() if name != DEFAULTS}
        return Target(
            entry=entry_of(type_of(request.urn)),
            setup=self._setup,
            name=name_of(request.urn),
            id=id_,
            inputs=inputs,
            state=dict(olds.values),
            declared=bool(news.values),
            timeout_seconds=getattr(request, "timeout", 0.0),
        )

    def _tag_differences(
        self, entry: Entry, news: Mapping[str, Any], olds: Mapping[str, Any]
    ) -> list[Difference]:
        if entry.tagging is None:
            return []
        wanted, has = wanted_tags(self._setup, news), olds.get("tagsAll") or {}
        if wanted is UNKNOWN or holds_unknown(wanted):
            return [Difference("tags", "UPDATE", replaces=False)]
        own = news.get("tags") or {}
        found: list[Difference] = []
        for key in sorted({*wanted, *has}):
            if wanted.get(key) == has.get(key):
                continue
            shown = "tags" if key in own or key in (olds.get("tags") or {}) else "tagsAll"
            kind = "DELETE" if key not in wanted else "UPDATE" if key in has else "ADD"
            spot = f"{shown}.{key}" if key.isidentifier() else f'{shown}["{key}"]'
            found.append(Difference(spot, kind, replaces=False))
        return found


def _what(target: Target) -> str:
    physical = f" ({target.id})" if target.id and target.id != target.name else ""
    return f"{target.entry.type} {target.name!r}{physical}"


def _secret(values: Mapping[str, Any], secrets: Iterable[str]) -> set[str]:
    found = set(secrets)
    return (found | {"tagsAll"} if "tags" in found else found) & values.keys()


def _property_diff(difference: Difference) -> Any:
    kind = f"{difference.kind}_REPLACE" if difference.replaces else difference.kind
    return provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(kind))


def _decoded(value: Any) -> dict[str, Any]:
    """Read a nested setting, which the engine sends as JSON text."""
    loaded = json.loads(value) if isinstance(value, str) and value else value
    return loaded if isinstance(loaded, dict) else {}


def _partly_done(
    context: grpc.ServicerContext,
    message: str,
    id_: str,
    error: lifecycle.PartlyDone,
    news: Properties,
) -> NoReturn:
    """Tell the engine that the resource exists all the same, so that it is not lost."""
    failed = provider_pb2.ErrorResourceInitFailed(
        id=id_,
        properties=write_struct(error.state, _secret(error.state, news.secrets)),
        reasons=[str(error)],
        inputs=write_struct(news.values, news.secrets),
    )
    status = status_pb2.Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message=message)
    status.details.add().Pack(failed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    refuse(context, message)
