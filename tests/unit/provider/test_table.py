"""The table as a whole: nothing is lost between pulumi_aws, the table and AWS."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelway.emulator.provider import table
from modelway.emulator.provider.clients import service_model
from modelway.emulator.provider.request import bound_inputs
from modelway.emulator.provider.schema import PROVIDER_LEVEL, package_schema
from modelway.emulator.provider.sdk import SOURCES, read_schema
from modelway.emulator.provider.table import entries
from modelway.emulator.provider.target import binding_of

TYPES = sorted(entries())

MOTO = """
import importlib, inspect, json, sys
from pathlib import Path
from modelway.emulator.clock import Clock
from modelway.emulator.services import Services, Settings
from modelway.emulator.wiring import Parts
from moto.core.utils import camelcase_to_underscores

parts = Parts(Services(Settings(1, Path(sys.argv[1])), Clock()))
for package in tuple(parts._late):
    parts._prepare(package)
missing = []
for service, operation in json.load(sys.stdin):
    module = importlib.import_module(f"moto.{service.replace('-', '')}.responses")
    method = camelcase_to_underscores(operation)
    classes = [each for _, each in inspect.getmembers(module, inspect.isclass)]
    if not any(hasattr(c, method) for c in classes if c.__module__ == module.__name__):
        missing.append(f"{service}:{operation}")
print(json.dumps(missing))
"""


def operations():
    found = set()
    for entry in entries().values():
        calls = [entry.create, entry.delete, *(read.call for read in entry.reads)]
        calls += [change.call for change in entry.changes if not callable(change.call)]
        calls += [change.clear for change in entry.changes]
        if entry.tagging is not None:
            calls += [entry.tagging.listing, entry.tagging.tag, entry.tagging.untag]
        found |= {(call.service or entry.service, call.operation) for call in calls if call}
    for path in Path(table.__file__).parent.glob("[a-z]*.py"):
        module = importlib.import_module(f"{table.__name__}.{path.stem}")
        found |= {(module.ENTRIES[0].service, name) for name in called_by_hooks(path)}
    return sorted(found)


def called_by_hooks(path):
    """Find the operations in `target.aws("Operation", ...)`, in either arm of a condition."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"aws", "pages"}:
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant):
                    yield part.value


def test_the_committed_schema_is_what_the_installed_pulumi_aws_says():
    assert package_schema() == read_schema(SOURCES)


def test_every_type_of_the_schema_has_an_entry_and_every_entry_a_schema():
    assert entries().keys() == package_schema()["resources"].keys()


@pytest.mark.parametrize("type_", TYPES)
def test_every_input_reaches_aws_or_is_said_not_to(type_):
    entry = entries()[type_]
    shape = service_model(entry.service).operation_model(entry.create.operation).input_shape
    for step in filter(None, entry.envelope.split(".")):
        shape = shape.members[step]
    fields = bound_inputs(entry)

    lost = list(unsent(binding_of(entry), fields, shape, "")) if entry.bound else []

    assert lost == []


def unsent(binding, of, shape, path):
    if of.kind == "list":
        yield from unsent(binding, of.item, getattr(shape, "member", shape), path)
    if of.kind != "object":
        return
    shape = shape.member if shape.type_name == "list" else shape
    members = binding.members(of, shape, path)
    for name, inner in of.fields.items():
        inner_path = f"{path}.{name}" if path else name
        if name not in members:
            if binding._names.get(inner_path) != "":
                yield inner_path
            continue
        member = shape
        for step in members[name]:
            member = member.members[step]
        yield from unsent(binding, inner, member, inner_path)


@pytest.mark.parametrize("type_", TYPES)
def test_every_property_that_an_entry_names_exists(type_):
    entry = entries()[type_]
    known = set(every_path(entry.shape.outputs, "")) | PROVIDER_LEVEL
    named = (
        (entry.replaces | entry.computed | entry.local | entry.untold | entry.policies)
        | entry.documents
        | entry.unordered
        | entry.names.keys()
        | entry.defaults.keys()
    )
    named |= entry.refused.keys() | entry.fresh.keys()
    named = named.union(*(change.properties for change in entry.changes))

    assert named - known == set()


def every_path(of, path):
    if path:
        yield path
    for name, inner in of.fields.items():
        yield from every_path(inner, f"{path}.{name}" if path else name)
    if of.item is not None:
        yield from every_path(of.item, path)


def test_every_operation_that_the_table_calls_is_one_of_botocore_s():
    for service, operation in operations():
        assert operation in service_model(service).operation_names, f"{service}:{operation}"


def test_every_operation_that_the_table_calls_is_in_the_emulator(tmp_path):
    # S3 is left to the integration tests: moto tells its operations apart by query strings.
    asked = [pair for pair in operations() if pair[0] != "s3"]

    answer = subprocess.run(
        [sys.executable, "-c", MOTO, str(tmp_path)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert len(asked) > 100
    assert json.loads(answer.stdout) == []
