import pytest

from model_server.core.errors import (
    AlreadyLoaded,
    BodyTooLarge,
    Code,
    DeadlineExceeded,
    Forbidden,
    InferenceFailed,
    InvalidInput,
    ModelServerError,
    ModelUnusable,
    NotReady,
    OutOfMemory,
    Overloaded,
    RateLimited,
    Unauthenticated,
    UnknownModel,
)
from model_server.grpc_v2.status import NUMBERS, details_of, status_of


class UnimplementedError(ModelServerError):
    code = Code.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("error", "number", "trailing"),
    [
        (InvalidInput("a"), 3, ()),
        (DeadlineExceeded("a"), 4, ()),
        (UnknownModel("a"), 5, ()),
        (AlreadyLoaded("a"), 6, ()),
        (Forbidden("a"), 7, ()),
        (OutOfMemory("a"), 8, ()),
        (BodyTooLarge("a"), 8, ()),
        (RateLimited("a", 1.2), 8, (("retry-after", "2"), ("grpc-retry-pushback-ms", "1200"))),
        (RateLimited("a", 0.0), 8, (("retry-after", "1"), ("grpc-retry-pushback-ms", "1"))),
        (UnimplementedError("a"), 12, ()),
        (InferenceFailed("a", detail="b"), 13, ()),
        (NotReady("a"), 14, (("retry-after", "1"),)),
        (Overloaded("a"), 14, (("retry-after", "1"),)),
        (ModelUnusable("a"), 14, ()),
        (Unauthenticated("a", 'Bearer error="x"'), 16, (("www-authenticate", 'Bearer error="x"'),)),
    ],
)
def test_an_error_has_its_number_and_its_metadata(error, number, trailing):
    assert status_of(error) == (number, b"a", trailing)


def test_every_code_has_a_number():
    assert set(NUMBERS) == set(Code)


def test_problems_follow_the_message():
    assert status_of(InvalidInput("wrong", ["one", "two"]))[1] == b"wrong: one; two"


def test_control_characters_become_spaces():
    assert details_of("a\r\nb\0c\u2028d") == b"a  b c d"


def test_other_characters_stay():
    assert details_of("Größe 100 % 🙂") == "Größe 100 % 🙂".encode()


def test_text_that_is_broken_is_made_whole():
    assert details_of("a\ud800b") == b"a b"


def test_a_text_of_4096_bytes_stays_whole():
    assert details_of("x" * 4096) == b"x" * 4096


def test_a_longer_text_is_cut():
    assert details_of("x" * 4097) == b"x" * 4092 + b" ..."


def test_characters_that_travel_as_three_bytes_count_as_three():
    cut = details_of("%" * 1366)

    assert cut == b"%" * 1361 + b" ..."
    assert cut.count(b"%") * 3 + 4 <= 4096


def test_no_character_is_cut_in_two():
    assert details_of("é" * 3000).decode() == "é" * 680 + " ..."
