"""The files that an ONNX model names as its external data, wherever it names them.

Takes a model file, gives names as they stand in it. Every message in the file is looked at, not the
places alone that exporters use: such names have been the way out of a model's folder
(CVE-2022-25882, CVE-2024-27318, CVE-2024-5187, CVE-2025-51480). Must not open what they name.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelway.errors import PackageError


def external_locations(model: Path) -> frozenset[str]:
    """Give the names.

    Raises:
        PackageError: the file cannot be read as ONNX.
    """
    try:
        import onnx
    except ImportError:
        raise PackageError(
            "ONNX models cannot be read here: pip install 'modelway[signing]'"
        ) from None
    try:
        parsed = onnx.load_model(model, load_external_data=False)
    except Exception as error:  # noqa: BLE001 - protobuf's errors have no common base
        raise PackageError(
            f"`{model.name}` cannot be read as ONNX ({type(error).__name__})"
        ) from None
    return frozenset(
        entry.value
        for message in _messages(parsed)
        if message.DESCRIPTOR.full_name == "onnx.TensorProto"
        # Also of tensors that do not say that their data is external: readers differ.
        for entry in message.external_data
        if entry.key == "location"
    )


def _messages(message: Any) -> Iterator[Any]:
    """Give a message and every one inside it."""
    waiting = [message]
    while waiting:
        message = waiting.pop()
        yield message
        for field, value in message.ListFields():
            if field.message_type is not None:
                waiting.extend(value if field.is_repeated else (value,))
