"""Small files beside the model: packed as they are, and compared with the model's tensors."""

import json

import pytest

from modelway.errors import ArtifactError
from modelway.package import read_artifact
from modelway.spec import Model

RULES = {"version": 1, "inputs": {"pixels": {"min": 0, "columns": [{"name": c} for c in "abcd"]}}}


@pytest.fixture
def read(write_onnx, tmp_path):
    """Read a model of input `pixels`, float32 (batch, 4), with a file of this text beside it."""

    def make(text, field="input_rules"):
        path = tmp_path / "file.json"
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return read_artifact(Model.model_validate({"path": str(write_onnx()), field: str(path)}))

    return make


@pytest.fixture
def refusal(read):
    def make(text, field="input_rules"):
        with pytest.raises(ArtifactError) as caught:
            read(text, field)
        assert caught.value.field == f"model.{field}"
        return str(caught.value)

    return make


def test_a_file_is_packed_as_it_is_under_the_servers_name(read):
    text = json.dumps(RULES, indent=7)

    assert read(text).beside == {"input_rules.json": text.encode()}
    assert read("{}", "generation").beside == {"generation.json": b"{}"}


def test_what_is_packed_has_the_models_digest_alone_and_another_beside_rules(read, write_onnx):
    alone = read_artifact(Model(path=str(write_onnx())))
    first, second = read(RULES), read(RULES | {"max_rows": 10})

    assert alone.content_digest == alone.digest == first.digest
    assert len({alone.content_digest, first.content_digest, second.content_digest}) == 3
    assert read(RULES).content_digest == first.content_digest


def test_everything_that_the_model_does_not_have_is_told_at_once(refusal):
    text = refusal(
        {
            "version": 1,
            "inputs": {"pixel": {}, "pixels": {"columns": [{"name": "a"}, {"name": "b"}]}},
        }
    )

    assert text.endswith(
        "do not fit the model: `inputs.pixel` is no input of the model, which has `pixels`; "
        "`inputs.pixels.columns` has 2 columns and the input 4"
    )


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"inputs": {}}, "`version` is null and must be 1"),
        ({"version": True}, "`version` is true and must be 1"),
        ({"version": 2, "inputs": {"pixel": {}}}, "`version` is 2 and must be 1"),
        ({"version": 1, "inputs": []}, "`inputs` must be an object with the model's inputs"),
        ({"version": 1, "inputs": {"pixels": 5}}, "`inputs.pixels` must be an object"),
    ],
)
def test_rules_of_another_form_are_refused(refusal, document, reason):
    assert reason in refusal(document)


@pytest.mark.parametrize("field", ["input_rules", "generation"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no JSON: "),
        ("[" * 60_000, "is no JSON: "),
        ("[]", "holds no JSON object"),
        (" " * (4 * 1024 * 1024 + 1), "bytes that the server reads"),
    ],
)
def test_what_is_no_json_object_of_a_fair_size_is_refused(refusal, field, text, reason):
    assert reason in refusal(text, field)


def test_a_file_that_is_not_there_is_named_with_the_field_to_correct(write_onnx, tmp_path):
    path = tmp_path / "nowhere.json"

    with pytest.raises(ArtifactError) as caught:
        read_artifact(Model(path=str(write_onnx()), input_rules=str(path)))

    assert str(caught.value) == (
        f"the file {path} does not exist; the path is relative to the spec's folder; correct it, "
        "or `model.input_rules`"
    )
