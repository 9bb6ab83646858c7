"""The server's numbers are onnxruntime's own, bit for bit for the same rows in one request."""

import io
import json

import numpy as np
import onnxruntime
import pytest

pytestmark = pytest.mark.xdist_group("serving")  # its servers are shared

ROWS = np.random.default_rng(20261123).normal(scale=3.0, size=(64, 4)).astype(np.float32)
BITS = np.random.default_rng(7).integers(0, 2**32, size=(500, 8), dtype=np.uint32)


def own(models, name, rows):
    session = onnxruntime.InferenceSession(
        str(models / name / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": rows})


def npy(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_json_predictions_equal_onnxruntimes(serve, models, count):
    rows = ROWS[:count]
    label, probabilities = own(models, "classifier", rows)

    answer = serve("classifier").post({"instances": rows.astype(float).tolist()}).json()

    got = answer["predictions"]
    assert [each["label"] for each in got] == label.tolist()
    bits = np.array([each["probabilities"] for each in got], dtype=np.float32)
    assert bits.tobytes() == probabilities.tobytes()


def test_json_rows_of_the_shortest_digits_are_the_same_floats(serve, models):
    text = "[" + ",".join("[" + ",".join(str(v) for v in row) + "]" for row in ROWS) + "]"

    answer = serve("regressor").post(b'{"instances":' + text.encode() + b"}").json()

    (expected,) = own(models, "regressor", ROWS)
    assert np.array(answer["predictions"], dtype=np.float32).tobytes() == expected.tobytes()


@pytest.mark.parametrize("accept", ["text/csv", "application/x-npy", "application/json"])
def test_csv_predictions_equal_onnxruntimes(serve, models, accept):
    body = "\n".join(",".join(str(value) for value in row) for row in ROWS).encode()

    reply = serve("regressor").post(body, "text/csv", accept=accept)

    read = {
        "text/csv": lambda: [line.split(b",") for line in reply.body.splitlines()],
        "application/json": lambda: json.loads(reply.body)["predictions"],
        "application/x-npy": lambda: np.load(io.BytesIO(reply.body)),
    }[accept]
    (expected,) = own(models, "regressor", ROWS)
    assert np.array(read(), dtype=np.float32).tobytes() == expected.tobytes()


def test_array_predictions_equal_onnxruntimes(serve, models):
    reply = serve("regressor").post(npy(ROWS), "application/x-npy")

    (expected,) = own(models, "regressor", ROWS)
    assert np.load(io.BytesIO(reply.body)).tobytes() == expected.tobytes()


def test_rows_apart_are_within_a_millionth_and_equal_in_label(serve, models):
    label, probabilities = own(models, "classifier", ROWS)

    apart = [
        serve("classifier").post({"instances": [row]}).json()["predictions"][0]
        for row in ROWS.astype(float).tolist()
    ]

    assert [each["label"] for each in apart] == label.tolist()
    np.testing.assert_allclose([each["probabilities"] for each in apart], probabilities, atol=1e-6)


def test_any_bits_go_through_an_array_unchanged(serve):
    reply = serve("echo").post(npy(BITS.view(np.float32)), "application/x-npy")

    assert np.load(io.BytesIO(reply.body)).tobytes() == BITS.tobytes()


def test_any_finite_float_goes_through_json_unchanged(serve):
    values = BITS.view(np.float32)
    values = np.where(np.isfinite(values), values, np.float32(0))

    answer = serve("echo").post({"instances": values.astype(float).tolist()}).json()

    assert np.array(answer["predictions"], dtype=np.float32).tobytes() == values.tobytes()


def test_values_that_json_has_no_words_for_are_null_with_a_warning(serve):
    values = np.array([[1, np.nan], [np.inf, -np.inf]], dtype=np.float32)

    answer = serve("echo").post(npy(values), "application/x-npy", accept="application/json").json()

    assert answer["predictions"] == [[1.0, None], [None, None]]
    (warning,) = answer["warnings"]
    assert warning == (
        "output 'y' has 3 values that are NaN or infinite, the first at [0][1]; "
        "they are null here and whole in application/x-npy"
    )


def test_values_that_are_not_finite_are_words_in_csv(serve):
    values = np.array([[1.5, np.nan], [np.inf, -np.inf]], dtype=np.float32)

    reply = serve("echo").post(npy(values), "application/x-npy", accept="text/csv")

    assert reply.body == b"1.5,nan\ninf,-inf\n"


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(ROWS),
        ROWS.astype(">f4"),
        np.asfortranarray(ROWS.astype(">f4")),
    ],
    ids=["column order", "big-endian", "both"],
)
def test_an_arrays_layout_does_not_matter(serve, array):
    reply = serve("echo").post(npy(array), "application/x-npy")

    assert np.load(io.BytesIO(reply.body)).tobytes() == ROWS.tobytes()
