"""What a caller may rely on: routes, formats and their answers."""

import io
import json

import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("serving")  # its servers are shared

NPY = "application/x-npy"


def npy(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def test_a_ready_server_answers_a_ping_with_200(serve):
    reply = serve("classifier").ping()

    assert reply.status == 200
    assert reply.json() == {"status": "ready"}


def test_several_outputs_give_one_object_a_row(serve):
    reply = serve("classifier").post({"instances": [[1, 0, 0, 0], [0, 0, 1, 0]]})

    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    first, second = reply.json()["predictions"]
    assert first["label"] == 2
    assert second["label"] == 2
    assert first["probabilities"] == pytest.approx([0.337585, 0.250089, 0.412327], abs=1e-6)


def test_one_output_gives_its_value_a_row(serve):
    reply = serve("regressor").post({"instances": [[1, 0, 0, 0], [0, 1, 0, 0]]})

    assert reply.json() == {"predictions": [[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [[1, 2], [3, 4]]},
        {"instances": [{"x": [1, 2]}, {"x": [3, 4]}]},
        {"inputs": [[1, 2], [3, 4]]},
        {"inputs": {"x": [[1, 2], [3, 4]]}},
    ],
    ids=["rows", "rows by name", "tensor", "tensor by name"],
)
def test_every_json_form_means_the_same(serve, body):
    reply = serve("echo").post(body)

    assert reply.json() == {"predictions": [[1.0, 2.0], [3.0, 4.0]]}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{"age": 41, "job": "cook"}, {"age": 29.5, "job": "nurse"}]},
        {"instances": [{"age": [41], "job": ["cook"]}, {"age": [29.5], "job": ["nurse"]}]},
        {"inputs": {"age": [[41], [29.5]], "job": [["cook"], ["nurse"]]}},
    ],
    ids=["bare values", "rows by name", "tensors by name"],
)
def test_several_inputs_are_given_by_name(serve, body):
    reply = serve("people").post(body)

    assert reply.json() == {
        "predictions": [
            {"older": [42.0], "same": ["cook"]},
            {"older": [30.5], "same": ["nurse"]},
        ]
    }


def test_outputs_without_rows_are_given_as_whole_tensors(serve):
    reply = serve("total").post({"instances": [[1, 2], [3, 4]]})

    assert reply.json() == {"outputs": {"sum": 10.0, "y": [[1.0, 2.0], [3.0, 4.0]]}}


def test_maps_are_given_as_objects(serve):
    reply = serve("maps").post({"instances": [[0.25, 0.75], [1, 0]]})

    assert reply.json() == {"predictions": [{"7": 0.25, "8": 0.75}, {"7": 1.0, "8": 0.0}]}


@pytest.mark.parametrize("accept", ["application/json", "text/csv", NPY])
def test_an_output_can_be_chosen_in_accept(serve, accept):
    reply = serve("classifier").post(
        {"instances": [[1, 0, 0, 0], [0, 1, 0, 0]]}, accept=f"{accept}; output=label"
    )

    assert reply.status == 200
    expected = {
        "application/json": b'{"predictions":[2,1]}',
        "text/csv": b"2\n1\n",
        NPY: npy(np.array([2, 1], dtype=np.int64)),
    }
    assert reply.headers["content-type"] == accept
    assert reply.body == expected[accept]


def test_csv_rows_are_answered_as_csv_rows(serve):
    reply = serve("regressor").post(b"1,0,0,0\r\n0, 1 ,0,0\n", "text/csv; charset=UTF-8")

    assert reply.headers["content-type"] == "text/csv"
    assert reply.body == b"0.1,-0.2,0.3\n0.4,0.5,-0.6\n"


def test_several_outputs_stand_side_by_side_in_csv(serve):
    reply = serve("classifier").post(b"1,0,0,0\n0,1,0,0", "text/csv")

    lines = [line.split(",") for line in reply.body.decode().splitlines()]
    assert [line[0] for line in lines] == ["2", "1"]
    assert [len(line) for line in lines] == [4, 4]


def test_an_array_is_answered_as_an_array(serve):
    rows = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], dtype=np.float32)

    reply = serve("regressor").post(npy(rows), NPY)

    assert reply.headers["content-type"] == NPY
    answer = np.load(io.BytesIO(reply.body), allow_pickle=False)
    assert answer.dtype == np.float32
    assert answer.tolist() == np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]], "f4").tolist()


@pytest.mark.parametrize(
    ("sent", "accept", "answered"),
    [
        ("application/json", "*/*", "application/json"),
        ("text/csv", "*/*", "text/csv"),
        ("text/csv", "application/json", "application/json"),
        ("text/csv", "application/json;q=0.5, text/csv;q=0.4", "application/json"),
        ("text/csv", "application/json;q=0.5, text/csv", "text/csv"),
        ("text/csv", "image/png, application/json", "application/json"),
        ("text/csv", "application/*", "application/json"),
        ("application/json", "text/*", "text/csv"),
        ("text/csv", "*/*;q=0.1, text/csv;q=0", "application/json"),
        ("text/csv", "TEXT/CSV", "text/csv"),
    ],
)
def test_the_most_wanted_format_is_answered(serve, sent, accept, answered):
    body = {"application/json": b'{"instances":[[1,2,3,4]]}', "text/csv": b"1,2,3,4"}[sent]

    reply = serve("regressor").post(body, sent, accept=accept)

    assert reply.status == 200
    assert reply.headers["content-type"] == answered


def test_any_format_means_json_where_the_requests_own_cannot_carry_the_answer(serve):
    row = npy(np.array([[1, 0, 0, 0]], dtype=np.float32))

    reply = serve("classifier").post(row, NPY, accept="*/*")

    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["predictions"][0]["label"] == 2


def test_custom_attributes_come_back_and_the_inference_id_is_the_request_id(serve):
    reply = serve("echo").post(
        {"instances": [[1]]},
        X_Amzn_SageMaker_Custom_Attributes="trace=abc-1",
        X_Amzn_SageMaker_Inference_Id="order-17",
    )

    assert reply.headers["x-amzn-sagemaker-custom-attributes"] == "trace=abc-1"
    assert reply.headers["x-request-id"] == "order-17"


def test_unknown_headers_are_ignored(serve):
    reply = serve("echo").post({"instances": [[1]]}, X_Amzn_Something_New="yes", X_Forwarded="no")

    assert reply.status == 200


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        ("echo", [[-0.0, 1.5e-45], [3.4028235e38, 16777216]]),
        ("double", [[0.1, 5e-324], [1.7976931348623157e308, -0.0]]),
        ("half", [[0.5, 65504], [6e-8, -1]]),
        ("bytes", [[-128, 127], [0, 1]]),
        ("flags", [[True, False], [False, False]]),
        ("text", ["", "ünïcödé 😀", 'quote " and \\', "nul \0 inside"]),
        ("cube", [[[1, 2], [3, 4]]]),
        ("pair", [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_every_datatype_goes_through_json(serve, model, rows):
    reply = serve(model).post({"instances": rows})

    assert reply.status == 200, reply.body
    answer = reply.json()["predictions"]
    if model in ("echo", "half"):
        kind = {"echo": np.float32, "half": np.float16}[model]
        assert np.array(answer, kind).tobytes() == np.array(rows, kind).tobytes()
    else:
        assert json.dumps(answer) == json.dumps(
            np.array(rows, "f4").tolist() if model in ("cube", "pair") else rows
        )


def test_a_chunked_body_is_read(serve):
    def parts():
        yield b'{"instances":'
        yield b"[[1, 2]]}"

    reply = serve("echo").post(parts())

    assert reply.json() == {"predictions": [[1.0, 2.0]]}
