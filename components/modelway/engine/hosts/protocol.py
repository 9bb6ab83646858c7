"""The engine's protocol for languages, without the rest of the SDK.

Takes the installed `pulumi` package, gives `language_pb2`, `language_pb2_grpc`, `plugin_pb2`. It
must only be imported by the language host: in that process `import pulumi` then finds the bare
protocol. Loading the whole SDK takes most of a second, at the start of every preview and every
update, and the host never uses it.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _bare_package(name: str, directory: Path) -> None:
    """Register a package whose modules can be imported without running its `__init__`."""
    package = ModuleType(name)
    package.__path__ = [str(directory)]
    sys.modules[name] = package


def _register() -> None:
    found = importlib.util.find_spec("pulumi")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'pulumi'", name="pulumi")
    root = Path(found.origin).parent
    _bare_package("pulumi", root)
    _bare_package("pulumi.runtime", root / "runtime")
    _bare_package("pulumi.runtime.proto", root / "runtime" / "proto")


if "pulumi" not in sys.modules:
    _register()

from pulumi.runtime.proto import (  # noqa: E402 - the packages above must be there first
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)

__all__ = ["language_pb2", "language_pb2_grpc", "plugin_pb2"]
