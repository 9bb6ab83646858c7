import inspect

import jsonschema_rs
import orjson
import pytest

from model_server.core import errors as core
from model_server.rest import errors as rest
from model_server.rest.problem_details import PROBLEM_TYPES, problem_document, problem_schema


def test_a_problem_has_the_members_of_the_rfc_and_our_own():
    error = core.InvalidInput("the request does not fit the model", ["a", "b"])

    document = orjson.loads(problem_document(error, 400, "urn:request:7"))

    assert document == {
        "type": "/docs#invalid-input",
        "title": "The request does not fit the model",
        "status": 400,
        "detail": "the request does not fit the model",
        "instance": "urn:request:7",
        "error": "the request does not fit the model",
        "code": "INVALID_ARGUMENT",
        "problems": ["a", "b"],
    }


def test_what_is_not_there_is_left_out():
    document = orjson.loads(problem_document(core.Overloaded("too much"), 503))

    assert "instance" not in document
    assert "problems" not in document
    assert document["type"] == "/docs#overloaded"


def test_an_error_without_a_type_of_its_own_is_said_by_its_status():
    document = orjson.loads(problem_document(core.ModelServerError("odd"), 500))

    assert document["type"] == "about:blank"
    assert document["title"] == "Internal Server Error"
    assert orjson.loads(problem_document(core.ModelServerError("odd"), 599))["title"] == "Error"


def test_an_error_derived_from_a_known_one_has_its_type():
    class Narrow(core.InvalidInput):
        pass

    assert orjson.loads(problem_document(Narrow("x"), 400))["type"] == "/docs#invalid-input"


def test_broken_text_of_a_caller_makes_no_other_error():
    error = core.InvalidInput("it is \ud800", ["\ud800"])

    document = orjson.loads(problem_document(error, 400, "urn:\ud800"))

    assert document["error"] == "'it is \\ud800'"
    assert document["code"] == "INVALID_ARGUMENT"


def errors_with_a_status():
    for module in (core, rest):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            # Callers are told NotReady where a model is unusable.
            told = issubclass(kind, core.ModelServerError) and kind is not core.ModelUnusable
            if told and not kind.__subclasses__():
                yield kind


@pytest.mark.parametrize(
    "kind", sorted(set(errors_with_a_status()), key=lambda kind: kind.__name__)
)
def test_every_error_that_callers_see_has_a_type_with_its_own_status(kind):
    arguments = {"message": "m", "allowed": "GET", "retry_after_seconds": 1.0}
    names = inspect.signature(kind).parameters
    error = kind(*(arguments[name] for name in names if name in arguments))

    document = orjson.loads(problem_document(error, rest.status_of(error)))

    assert PROBLEM_TYPES[kind].status == document["status"] == rest.status_of(error)
    assert jsonschema_rs.is_valid(problem_schema(), document)
    present = orjson.loads(rest.body_of(error))
    assert present.items() <= document.items()


def test_types_are_told_apart_by_name():
    names = [kind.name for kind in PROBLEM_TYPES.values()]

    assert len(set(names)) == len(names)
