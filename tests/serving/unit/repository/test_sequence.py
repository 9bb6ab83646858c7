"""Sequences emitted step by step: what generation.json says, and what comes of it."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import numpy as np
import pytest
from onnx import TensorProto as T

from model_server.core.dataplane import Dataplane
from model_server.core.errors import DeadlineExceeded, InferenceFailed, InvalidInput, ModelUnusable
from model_server.core.generation_file import parse_generation
from model_server.core.model import load_model
from model_server.core.sequence import generate

I64, F32 = T.INT64, T.FLOAT


def counter(graph):
    """The next token is one more; the state is the sum of the tokens so far."""
    return graph(
        [("token", I64, ["rows", 1]), ("sum", I64, ["rows", 1])],
        [("Add", ["token", "one"], ["next"]), ("Add", ["sum", "token"], ["total"])],
        [("next", I64, ["rows", 1]), ("total", I64, ["rows", 1])],
        ("one", np.array(1)),
    )


def speller(graph):
    """Logits over five letters, of which the one after each token is the likeliest."""
    return graph(
        [("ids", I64, ["rows", "length"])],
        [
            ("Add", ["ids", "one"], ["more"]),
            ("Mod", ["more", "five"], ["wrapped"]),
            ("OneHot", ["wrapped", "five", "values"], ["logits"]),
        ],
        [("logits", F32, ["rows", "length", 5])],
        ("one", np.array(1)),
        ("five", np.array(5)),
        ("values", np.array([0.0, 1.0], np.float32)),
    )


def decoder(graph):
    """As decoders with a cache: the past grows, mask and positions are needed."""
    return graph(
        [
            ("ids", I64, ["rows", "length"]),
            ("past", I64, ["rows", "past_length"]),
            ("mask", I64, ["rows", "total_length"]),
            ("positions", I64, ["rows", "length"]),
        ],
        [
            ("Concat", ["past", "ids"], ["present"], {"axis": 1}),
            ("ReduceSum", ["mask", "axis"], ["seen"], {"keepdims": 1}),
            ("Mul", ["seen", "hundred"], ["hundreds"]),
            ("Add", ["hundreds", "positions"], ["next"]),
        ],
        [
            ("next", I64, ["rows", "length"]),
            ("present", I64, ["rows", "total_length"]),
        ],
        ("axis", np.array([1])),
        ("hundred", np.array(100)),
    )


def decay(graph):
    """No tokens: each value is half of the one before."""
    return graph(
        [("x", F32, ["rows", 1])],
        [("Mul", ["x", "half"], ["y"])],
        [("y", F32, ["rows", 1])],
        ("half", np.array(0.5, np.float32)),
    )


COUNTER = {"token_input": "token", "token_output": "next", "states": {"sum": "total"}}
SPELLER = {"token_input": "ids", "logits_output": "logits"}
DECODER = {
    "token_input": "ids", "token_output": "next", "states": {"past": "present"},
    "mask_input": "mask", "position_input": "positions",
}  # fmt: skip


@pytest.fixture
def sequence(save, graph):
    """Emit a whole sequence of a model."""

    def emit(build, description, inputs, seconds=10.0, **options):
        folder = save(build(graph))
        (folder / "generation.json").write_text(json.dumps(description))
        model = load_model(folder, 1)
        model.warm_up()
        arrays = {
            name: value if isinstance(value, np.ndarray) else np.array(value, np.int64)
            for name, value in inputs.items()
        }

        async def life():
            with ThreadPoolExecutor(1) as threads:
                deadline = time.monotonic() + seconds
                steps = generate(Dataplane(threads), model, arrays, deadline=deadline, **options)
                async with aclosing(steps):
                    return [step async for step in steps]

        return asyncio.run(life())

    return emit


def tokens(steps):
    return [step.tokens.tolist() for step in steps]


def test_a_counter_counts_and_its_state_goes_from_step_to_step(sequence):
    description = COUNTER | {"max_steps": 4}

    steps = sequence(counter, description, {"token": [[5]]})

    assert tokens(steps) == [[6], [7], [8], [9]]
    assert [step.number for step in steps] == [0, 1, 2, 3]
    assert [step.last for step in steps] == [False, False, False, True]
    assert [step.outputs["next"].tolist() for step in steps] == [[[6]], [[7]], [[8]], [[9]]]


def test_states_can_be_asked_for_by_name(sequence):
    steps = sequence(counter, COUNTER, {"token": [[5]]}, outputs=("total",), max_steps=3)

    assert [step.outputs["total"].tolist() for step in steps] == [[[5]], [[11]], [[18]]]


def test_a_caller_may_give_the_first_state(sequence):
    given = {"token": [[5]], "sum": [[100]]}

    steps = sequence(counter, COUNTER, given, outputs=("total",), max_steps=1)

    assert steps[0].outputs["total"].tolist() == [[105]]


def test_a_sequence_ends_with_its_stop_token(sequence):
    assert tokens(sequence(counter, COUNTER | {"stop_tokens": [8, 99]}, {"token": [[5]]})) == [
        [6], [7], [8],
    ]  # fmt: skip


def test_rows_end_one_by_one_and_repeat_their_stop_token(sequence):
    description = COUNTER | {"stop_tokens": [8]}

    steps = sequence(counter, description, {"token": [[5], [7], [6]]})

    assert tokens(steps) == [[6, 8, 7], [7, 8, 8], [8, 8, 8]]


def test_the_likeliest_token_is_chosen_and_all_tokens_go_in_again(sequence):
    description = SPELLER | {"stop_tokens": [0]}

    steps = sequence(speller, description, {"ids": [[0, 1, 2]]})

    assert tokens(steps) == [[3], [4], [0]]
    assert [step.outputs for step in steps] == [{}, {}, {}]


def test_many_logits_are_searched_in_a_thread(sequence, monkeypatch):
    from model_server.core import sequence as module

    monkeypatch.setattr(module, "LARGE_LOGITS_VALUES", 0)

    assert tokens(sequence(speller, SPELLER, {"ids": [[0]]}, max_steps=2)) == [[1], [2]]


def test_a_cache_grows_and_mask_and_positions_follow(sequence):
    steps = sequence(decoder, DECODER, {"ids": [[7, 7, 7]]}, outputs=("present",), max_steps=3)

    # A hundred for each token seen, and the position of the last one.
    assert tokens(steps) == [[302], [403], [504]]
    assert [step.outputs["present"].tolist() for step in steps] == [
        [[7, 7, 7]],
        [[7, 7, 7, 302]],
        [[7, 7, 7, 302, 403]],
    ]


def test_padding_on_the_left_is_left_out_of_mask_and_positions(sequence):
    given = {"ids": [[0, 0, 7], [7, 7, 7]], "mask": [[0, 0, 1], [1, 1, 1]]}

    assert tokens(sequence(decoder, DECODER, given, max_steps=2)) == [[100, 302], [201, 403]]


def test_a_model_without_tokens_feeds_its_output_back(sequence):
    steps = sequence(
        decay, {"states": {"x": "y"}}, {"x": np.array([[8.0]], np.float32)}, max_steps=3
    )

    assert [step.outputs["y"].tolist() for step in steps] == [[[4.0]], [[2.0]], [[1.0]]]
    assert steps[0].tokens is None


def test_the_models_own_limit_of_steps_is_not_exceeded(sequence):
    description = COUNTER | {"max_steps": 3}

    assert len(sequence(counter, description, {"token": [[5]]}, max_steps=100)) == 3
    assert len(sequence(counter, COUNTER, {"token": [[5]]})) == 256


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "input 'token' (int64 (rows, 1)) is missing"),
        (
            {"token": [[5]], "other": [[1]]},
            "'other' is no input of a sequence; it has 'token', 'sum'",
        ),
        ({"token": np.array([[5]], np.int32)}, "takes int64, not int32"),
        ({"token": [[5, 6]]}, "takes 1 along axis 1"),
        ({"token": [[5]], "sum": [[1], [2]]}, "input 'sum' has 2 rows, others have 1"),
    ],
)
def test_inputs_that_begin_no_sequence_are_refused(sequence, given, problem):
    with pytest.raises(InvalidInput) as told:
        sequence(counter, COUNTER, given)

    assert problem in " ".join(told.value.problems)


def test_a_mask_of_another_shape_and_states_beside_a_mask_are_refused(sequence):
    with pytest.raises(InvalidInput) as told:
        sequence(decoder, DECODER, {"ids": [[1, 2]], "mask": [[1]]})
    assert told.value.problems == ["input 'mask' takes one entry for each token"]
    with pytest.raises(InvalidInput) as told:
        sequence(decoder, DECODER, {"ids": [[1, 2]], "past": [[1]]})
    assert told.value.problems == ["states cannot be given, as the mask would not cover them"]


def test_the_deadline_ends_a_sequence_between_two_steps(sequence):
    with pytest.raises(DeadlineExceeded):
        sequence(counter, COUNTER | {"max_steps": 65536}, {"token": [[0]]}, seconds=0.05)


def test_logits_that_are_no_numbers_fail_the_sequence(sequence, graph):
    def broken(graph):
        return graph(
            [("ids", I64, ["rows", "length"])],
            [
                ("Cast", ["ids"], ["number"], {"to": F32}),
                ("Unsqueeze", ["number", "axis"], ["wide"]),
                ("Log", ["wide"], ["logits"]),
            ],
            [("logits", F32, ["rows", "length", 1])],
            ("axis", np.array([2])),
        )  # fmt: skip

    with pytest.raises(InferenceFailed, match="gave no next token"):
        sequence(broken, SPELLER, {"ids": [[-1]]})


def test_a_caller_who_goes_away_ends_the_sequence(save, graph):
    folder = save(counter(graph))
    (folder / "generation.json").write_text(json.dumps(COUNTER | {"max_steps": 65536}))
    model = load_model(folder, 1)
    model.warm_up()
    runs = []
    real = model._run
    model._run = lambda *given: (runs.append(1), real(*given))[1]

    async def life():
        inputs = {"token": np.array([[0]])}

        async def listen(steps):
            async for step in steps:
                if step.number == 3:
                    await asyncio.sleep(60)

        with ThreadPoolExecutor(1) as threads:
            steps = generate(Dataplane(threads), model, inputs, deadline=time.monotonic() + 60)
            task = asyncio.create_task(listen(steps))
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await steps.aclose()
            await asyncio.sleep(0.05)

    asyncio.run(life())

    assert len(runs) == 4


def test_pings_are_answered_while_sequences_run(save, graph):
    folder = save(counter(graph))
    (folder / "generation.json").write_text(json.dumps(COUNTER | {"max_steps": 2000}))
    model = load_model(folder, 1)
    model.warm_up()

    async def life():
        with ThreadPoolExecutor(1) as threads:
            dataplane = Dataplane(threads)

            async def emit():
                deadline = time.monotonic() + 60
                inputs = {"token": np.array([[0]])}
                return [
                    step async for step in generate(dataplane, model, inputs, deadline=deadline)
                ]

            tasks = [asyncio.create_task(emit()) for _ in range(4)]
            longest = 0.0
            while not all(task.done() for task in tasks):
                start = time.monotonic()
                await asyncio.sleep(0)
                longest = max(longest, time.monotonic() - start)
            return longest, [len(task.result()) for task in tasks]

    longest, lengths = asyncio.run(life())

    assert lengths == [2000] * 4
    assert longest < 0.5


def test_a_model_without_the_file_emits_no_sequence(save, graph):
    assert load_model(save(counter(graph)), 1).generation is None


@pytest.mark.parametrize(
    ("description", "problem"),
    [
        ([], "takes an object with token_input"),
        ({}, "names neither token_input nor states"),
        ({"tokens": 1} | COUNTER, "'tokens' is no member of it"),
        ({"token_input": "x"}, "token_input is 'x', which is no input of the model"),
        ({"token_input": 1}, "token_input is 1, which is no input"),
        ({"token_input": "token"}, "takes one of logits_output and token_output"),
        (COUNTER | {"logits_output": "next"}, "it takes floats with 2 or 3 axes"),
        (COUNTER | {"token_output": "nothing"}, "'nothing', which is no output"),
        (COUNTER | {"states": ["sum"]}, "states takes an object"),
        (COUNTER | {"states": {"x": "total"}}, "'x' is no input of the model"),
        (COUNTER | {"states": {"sum": "x"}}, "'x' is no output of the model"),
        (COUNTER | {"states": {"token": "total"}}, "an input is named for two purposes"),
        (COUNTER | {"stop_tokens": 5}, "stop_tokens takes a list of integers"),
        (COUNTER | {"stop_tokens": [True]}, "stop_tokens takes a list of integers"),
        (COUNTER | {"stop_tokens": [2**63]}, "a number beyond int64"),
        (COUNTER | {"max_steps": 0}, "max_steps is 0; it takes 1 to 65536"),
        (COUNTER | {"max_steps": 65537}, "it takes 1 to 65536"),
        (COUNTER | {"max_steps": 1.5}, "it takes 1 to 65536"),
        ({"states": {"sum": "total"}, "stop_tokens": [1]}, "stop_tokens take a token_input"),
        ({"token_output": "next"}, "token_output take a token_input"),
    ],
    ids=range(20),
)  # fmt: skip
def test_a_file_that_does_not_fit_the_model_is_refused(save, graph, description, problem):
    folder = save(counter(graph))
    (folder / "generation.json").write_text(json.dumps(description))

    with pytest.raises(ModelUnusable) as told:
        load_model(folder, 1)

    assert told.value.message.startswith("generation.json ")
    assert problem in told.value.message


def test_all_problems_of_a_file_are_told_at_once(save, graph):
    contract = load_model(save(counter(graph)), 1).contract
    bad = {"token_input": "x", "max_steps": 0, "stop_tokens": 1, "more": 1}

    with pytest.raises(ModelUnusable) as told:
        parse_generation(json.dumps(bad).encode(), contract)

    assert told.value.message.count(";") >= 3


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 60000, b" " * 70000])
def test_a_file_that_is_no_json_or_too_large_is_refused(save, graph, data):
    folder = save(counter(graph))
    (folder / "generation.json").write_bytes(data)

    with pytest.raises(ModelUnusable, match=r"generation\.json (is no JSON|has more than)"):
        load_model(folder, 1)


def test_a_file_that_is_a_link_out_of_the_folder_is_refused(save, graph, tmp_path):
    folder = save(counter(graph))
    (tmp_path / "secret").write_text("secret")
    (folder / "generation.json").symlink_to("../secret")

    with pytest.raises(ModelUnusable, match=r"generation\.json is a link that leads out"):
        load_model(folder, 1)
