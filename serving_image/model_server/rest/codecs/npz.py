"""``application/x-npz``: several arrays by name, bit for bit.

Takes the file format of ``numpy.savez`` and ``numpy.savez_compressed``, with one member for each
input of the model; gives the former, with one for each output. What holds for `npy` holds for each
member: no pickles, NaN and infinity as they are.

A compressed body may grow to `MAX_GROWTH` times its own size, or to `SMALL_BYTES` where that is
more; so what a request takes is bounded by the body limit.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Array, Contract, TensorSpec, Value
from model_server.rest.codecs.codec import REFUSED, Decoded
from model_server.rest.codecs.npy import read_array, write_array
from model_server.rest.codecs.zip_members import read_members
from model_server.rest.media import MediaType

if TYPE_CHECKING:
    from model_server.core.rules import InputRules

MAX_GROWTH = 16
"""Inflated size divided by the body's size at most. Random floats do not shrink at all and images
by 2 to 4; a bomb grows up to 1 032 times, which is the most that deflate can do."""

SMALL_BYTES = 1024 * 1024
"""What any body may grow to: few rows of zeros shrink by far more than `MAX_GROWTH`."""

SUFFIX = ".npy"


class NpzCodec:
    """Reads and writes NumPy's archives of arrays."""

    media_type = "application/x-npz"
    charsets: frozenset[str] = frozenset()

    def refuses_inputs(self, contract: Contract) -> str | None:
        """An npz body never holds text."""
        texts = [spec for spec in contract.inputs if spec.dtype == np.object_]
        return f"it carries numbers, and this model takes {texts[0]}" if texts else None

    def refuses_outputs(self, outputs: Sequence[TensorSpec]) -> str | None:
        """An npz body never holds text or maps."""
        for spec in outputs:
            if spec.dtype is None or spec.dtype == np.object_:
                return f"it carries numbers, and {spec} holds none"
        return None

    def decode(
        self, body: bytes, contract: Contract, media: MediaType, rules: "InputRules | None"
    ) -> Decoded:
        """Read one array for each input.

        Raises:
            InvalidInput: with everything that is wrong with the archive's members.
        """
        # A member too many is named below; more than that are no honest mistake.
        most = 2 * len(contract.inputs) + 8
        members = read_members(body, most, max(SMALL_BYTES, MAX_GROWTH * len(body)))
        problems: list[str] = []
        arrays: dict[str, Array] = {}
        for member, data in members.items():
            name = member.removesuffix(SUFFIX)
            if contract.input(name) is None:
                problems.append(
                    f"the archive holds {name!r}, which is no input of this model; it has "
                    f"{contract.names_of_inputs()}"
                )
                continue
            try:
                arrays[name] = read_array(data)
            except InvalidInput as error:
                problems.append(f"{name!r}: {error.message}")
        problems += [
            f"the archive lacks {spec.name!r}"
            for spec in contract.inputs
            if spec.name + SUFFIX not in members and spec.name not in members
        ]
        if problems:
            raise InvalidInput(REFUSED, problems)
        return Decoded(arrays)

    def encode(self, outputs: Mapping[str, Value], rows: int) -> bytes:
        """Write one array for each output."""
        import zipfile  # seldom needed, and slow to import

        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, value in outputs.items():
                # The time of now would make two answers to one request differ.
                entry = zipfile.ZipInfo(name + SUFFIX)
                archive.writestr(entry, write_array(np.asarray(value)))
        return out.getvalue()
