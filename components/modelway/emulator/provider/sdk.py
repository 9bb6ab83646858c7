"""Reads a Pulumi package's property names and types out of its installed Python SDK.

Takes the `pulumi_aws` that is installed, gives a Pulumi package schema of chosen resource types.
The result is committed as `schema.json`, since importing the SDK takes longer than starting the
whole emulator; a test compares the two. Run it after a change of pulumi_aws:

    python -m modelway.emulator.provider.sdk > components/modelway/emulator/provider/schema.json

This module must not be imported by the provider itself.
"""

import importlib
import inspect
import json
import sys
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pulumi import _types

SOURCES = {
    "s3": (
        "Bucket BucketLifecycleConfiguration BucketObjectv2 BucketOwnershipControls BucketPolicy "
        "BucketPublicAccessBlock BucketServerSideEncryptionConfiguration BucketVersioning"
    ),
    "codebuild": "Project",
    "ecr": "LifecyclePolicy Repository RepositoryPolicy",
    "kms": "Alias Key",
    "sns": "Topic TopicPolicy TopicSubscription",
    "iam": "Policy Role RolePolicy RolePolicyAttachment",
    "appautoscaling": "Policy ScheduledAction Target",
    "cloudwatch": "CompositeAlarm Dashboard LogGroup MetricAlarm",
    "sagemaker": ("Endpoint EndpointConfiguration Model ModelPackageGroup ModelPackageGroupPolicy"),
}
"""The resource classes that the emulator's provider covers, by module of pulumi_aws."""

Schema = dict[str, Any]
_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


class _Reader:
    """Collects object types while it walks the annotations of resource classes."""

    def __init__(self, module: str) -> None:
        self._module = module
        self.objects: dict[str, Schema] = {}

    def properties(self, cls: type) -> dict[str, Schema]:
        """Give the schema of every property of an input class, by its Pulumi name."""
        return {name: self._type(hint) for name, hint in _types.input_type_types(cls).items()}

    def _type(self, hint: Any) -> Schema:
        hint = _unwrapped(hint)
        origin = typing.get_origin(hint)
        if origin is not None and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self._type(typing.get_args(hint)[1])}
        if origin is not None and issubclass(origin, Sequence):
            return {"type": "array", "items": self._type(typing.get_args(hint)[0])}
        if hint in _SCALARS:
            return {"type": _SCALARS[hint]}
        if hint.__name__ in {"Asset", "Archive"}:
            return {"$ref": "pulumi.json#/Asset"}
        return {"$ref": f"#/types/{self._object(hint)}"}

    def _object(self, cls: type) -> str:
        name = cls.__name__.removesuffix("Args")
        token = f"aws:{self._module}/{name[0].lower()}{name[1:]}:{name}"
        if token not in self.objects:
            self.objects[token] = {}  # ends the walk where a type holds itself
            self.objects[token] = {"type": "object", "properties": self.properties(cls)}
        return token


def _unwrapped(hint: Any) -> Any:
    """Take `Input[...]` and `Optional[...]` off; of several alternatives the plainest wins."""
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return hint
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    for option in options:
        if option in _SCALARS or isinstance(option, type):
            return option
    return _unwrapped(options[0])


def read_schema(sources: Mapping[str, str]) -> Schema:
    """Give a Pulumi package schema of the classes named, with only what a provider needs.

    Args:
        sources: class names, separated by spaces, by module of pulumi_aws.
    """
    resources: dict[str, Schema] = {}
    objects: dict[str, Schema] = {}
    for module_name, names in sources.items():
        module = importlib.import_module(f"pulumi_aws.{module_name}")
        for name in names.split():
            cls = getattr(module, name)
            home = inspect.getmodule(cls)
            # The name of another type's nested object takes the plain name (BucketVersioningArgs).
            args = getattr(home, f"{name}InitArgs", None) or getattr(home, f"{name}Args")
            reader = _Reader(module_name)
            inputs = reader.properties(args)
            outputs = inputs | reader.properties(getattr(home, f"_{name}State"))
            resources[cls.pulumi_type] = {
                "inputProperties": inputs,
                "requiredInputs": sorted(_required(args)),
                "properties": outputs,
            }
            objects.update(reader.objects)
    return {
        "name": "aws",
        "version": version("pulumi_aws"),
        "resources": dict(sorted(resources.items())),
        "types": dict(sorted(objects.items())),
    }


def _required(args: type) -> Iterable[str]:
    names = _types.input_type_py_to_pulumi_names(args)
    for parameter in inspect.signature(args.__init__).parameters.values():
        if parameter.name in names and parameter.default is inspect.Parameter.empty:
            yield names[parameter.name]


if __name__ == "__main__":
    json.dump(read_schema(SOURCES), sys.stdout, indent=1)
    sys.stdout.write("\n")
