"""The variants that there are, and whether a model can have them.

Takes the operators of a model, gives a reason why a variant of it is not made, or None. Pure.
"""

from collections.abc import Collection
from enum import StrEnum


class Variant(StrEnum):
    """What can be served in the place of a model."""

    ORIGINAL = "original"
    """As it is without any of this."""
    GRAPH = "graph"
    """Its graph simplified by onnxruntime to standard operators: constants folded, nodes fused.
    Not further, since operators and layouts of one kind of processor are not another's; the server
    does that when it loads the model."""
    FP16 = "fp16"
    """Weights and sums in half precision; inputs and outputs stay as they are."""
    INT8_DYNAMIC = "int8-dynamic"
    """Weights of matrix products in 8 bits; what they are multiplied with is scaled run by run, so
    that a row's answer depends on the rows beside it."""
    INT8_STATIC = "int8-static"
    """Weights and what flows between the products in 8 bits, scaled by what the calibration rows
    gave (QDQ)."""


MADE = tuple(each for each in Variant if each is not Variant.ORIGINAL)

PRODUCTS = ("Attention", "Conv", "ConvTranspose", "Gemm", "LSTM", "MatMul")
"""Operators with weights worth making smaller."""

DYNAMIC = ("Attention", "Gemm", "LSTM", "MatMul")
"""Those that onnxruntime scales run by run. Its ConvInteger takes unsigned weights alone and is
slower than float32 (onnxruntime's guide: static for convolutions)."""

STATIC = ("Conv", "Gemm", "MatMul")


def why_not(variant: Variant, operators: Collection[str]) -> str | None:
    """Say why a model does not have a variant; None where it may.

    Args:
        variant: that was asked for.
        operators: names of the model's operators.
    """
    wanted = {
        Variant.FP16: PRODUCTS,
        Variant.INT8_DYNAMIC: DYNAMIC,
        Variant.INT8_STATIC: STATIC,
    }.get(variant, ())
    if not wanted or set(wanted) & set(operators):
        return None
    return f"it has no {', '.join(wanted[:-1])} or {wanted[-1]}, but {', '.join(sorted(operators))}"
