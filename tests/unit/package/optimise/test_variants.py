"""A model without products of matrices has nothing to make smaller, and the reason says so."""

from modelway.package.optimise.variants import MADE, Variant, why_not


def test_the_variants_have_names_that_commands_take():
    assert [str(each) for each in MADE] == ["graph", "fp16", "int8-dynamic", "int8-static"]


def test_trees_cannot_be_quantised():
    reason = why_not(Variant.INT8_STATIC, {"TreeEnsembleClassifier", "Cast"})

    assert reason == "it has no Conv, Gemm or MatMul, but Cast, TreeEnsembleClassifier"
    assert why_not(Variant.GRAPH, {"TreeEnsembleClassifier"}) is None


def test_a_convolution_is_not_scaled_run_by_run():
    assert why_not(Variant.INT8_DYNAMIC, {"Conv"}) == (
        "it has no Attention, Gemm, LSTM or MatMul, but Conv"
    )
    assert why_not(Variant.INT8_STATIC, {"Conv"}) is None
