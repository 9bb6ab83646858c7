"""Empty fields of CSV are missing values, and the rules say what becomes of them."""

import numpy as np
import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.codecs import CsvCodec
from model_server.rest.media import MediaType

CSV = MediaType("text/csv")


@pytest.fixture
def decode():
    def run(body, contract, rules):
        return CsvCodec().decode(body, contract, CSV, rules).inputs

    return run


@pytest.fixture
def problems_of(decode):
    def run(body, contract, rules):
        with pytest.raises(InvalidInput) as refused:
            decode(body, contract, rules)
        return refused.value.problems

    return run


def test_an_empty_field_becomes_nan_or_the_replacement_where_the_rules_let_it_in(
    decode, people, people_rules
):
    inputs = decode(b"41,,\n42,7,5\n", people, people_rules)

    assert inputs["x"].dtype == np.float32
    assert inputs["x"][0].tolist()[::2] == [41.0, 2.0]
    assert np.isnan(inputs["x"][0, 1])
    assert inputs["x"][1].tolist() == [42.0, 7.0, 5.0]
    assert people_rules.problems(inputs) == []
    assert people_rules.counts() == {
        ("x.age", "seen"): 2,
        ("x.income", "seen"): 2,
        ("x.region", "seen"): 2,
        ("x.income", "missing"): 1,
        ("x.region", "missing"): 1,
        ("x.region", "replaced"): 1,
    }


def test_whole_numbers_have_replacements_too(decode, contract_of, rules_of):
    contract = contract_of(x=("int64", "batch", 2))
    rules = rules_of(contract, {"x": {"missing": {"value": 7}}})

    assert decode(b",1\r\n2,\r\n", contract, rules)["x"].tolist() == [[7, 1], [2, 7]]


def test_a_line_of_one_column_may_be_empty(decode, contract_of, rules_of):
    contract = contract_of(x=("float32", "batch", 1))
    rules = rules_of(contract, {"x": {"missing": {"value": 3}}})

    assert decode(b"1\n\n2\n", contract, rules)["x"].tolist() == [[1], [3], [2]]


def test_an_empty_field_is_refused_and_counted_where_they_do_not(problems_of, people, people_rules):
    found = problems_of(b"1,2,2\n,,x\n", people, people_rules)

    assert found == [
        "line 2, column 1 is empty, and must not be",
        "line 2, column 3: 'x' is no number",
    ]
    assert people_rules.counts()["x.age", "missing"] == 1


def test_an_empty_field_is_no_number_without_rules(problems_of, people):
    assert problems_of(b"1,,2\n", people, None) == ["line 1, column 2: '' is no number"]


def test_nan_is_refused_where_an_empty_field_is_not(problems_of, people, people_rules):
    assert problems_of(b"1,,2\n1,nan,2\n", people, people_rules) == [
        "line 2, column 2: 'nan' is not a finite float32"
    ]


def test_a_line_without_any_field_is_not_a_row_of_missing_values(problems_of, people, people_rules):
    assert problems_of(b"1,2,2\n\n", people, people_rules) == ["line 2 is empty"]


def test_empty_fields_are_found_in_every_part_of_a_large_body(decode, people, people_rules):
    lines = [b"41,7,5"] * 60_000
    lines[50_000] = b"41,,5"

    values = decode(b"\n".join(lines), people, people_rules)["x"]

    assert values.shape == (60_000, 3)
    assert np.argwhere(np.isnan(values)).tolist() == [[50_000, 1]]
