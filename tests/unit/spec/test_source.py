"""What YAML itself gets wrong, with file and line."""

import pytest

from modelway.errors import SpecError
from modelway.spec.source import read_source


def refusals(path):
    with pytest.raises(SpecError) as caught:
        read_source(path)
    return [
        (problem.file, problem.line, problem.path, problem.message)
        for problem in caught.value.problems
    ]


def test_every_key_and_item_has_its_line(write_spec):
    source = read_source(
        write_spec("name: fraud\nscaling:\n  schedules:\n    - name: a\n    -\n      name: b\n")
    )

    assert source.lines[("name",)] == 1
    assert source.lines[("scaling", "schedules")] == 3
    assert source.lines[("scaling", "schedules", 0, "name")] == 4
    assert source.lines[("scaling", "schedules", 1, "name")] == 6


def test_a_file_that_does_not_exist_is_named(tmp_path):
    path = tmp_path / "missing.yaml"

    assert refusals(path) == [
        (str(path), None, "(file)", "does not exist; give the path of a spec file")
    ]


def test_a_folder_is_no_spec(tmp_path):
    assert refusals(tmp_path)[0][3] == "is a folder; give the path of a spec file"


def test_a_syntax_error_has_its_line(write_spec):
    path = write_spec("name: fraud\nmodel: {path: x\nscaling: 1\n")

    ((file, line, place, message),) = refusals(path)

    assert (file, line, place) == (str(path), 3, "(file)")
    assert message.startswith("is not valid YAML: while parsing a flow mapping")


def test_a_tab_as_indentation_is_a_syntax_error(write_spec):
    ((_, line, _, message),) = refusals(write_spec("name: fraud\nmodel:\n\tpath: x\n"))

    assert line == 3
    assert "\\t" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("- a\n- b\n", "holds a list, not a spec"),
        ("fraud\n", "holds a single value, not a spec"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(write_spec, text, message):
    assert refusals(write_spec(text))[0][3] == message


def test_two_documents_are_refused(write_spec):
    ((_, line, _, message),) = refusals(write_spec("name: a\n---\nname: b\n"))

    assert line == 2
    assert "expected a single document" in message


def test_all_repeated_keys_are_told_at_once(write_spec):
    path = write_spec("name: a\nscaling:\n  min_instances: 1\n  min_instances: 2\nname: b\n")

    assert [found[1:] for found in refusals(path)] == [
        (4, "scaling.min_instances", "is given twice, first in line 3"),
        (5, "name", "is given twice, first in line 1"),
    ]


def test_text_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "fraud.yaml"
    path.write_bytes(b"name: \xff\n")

    assert refusals(path)[0][3] == "is not UTF-8 text: invalid start byte at byte 6"


def test_an_alias_that_contains_itself_is_refused(write_spec):
    ((_, line, place, message),) = refusals(write_spec("name: a\ntags: &t\n  x: *t\n"))

    assert (line, place, message) == (3, "tags.x", "is an alias that contains itself")


def test_merged_keys_are_read_and_keep_the_line_where_they_are_written(write_spec):
    source = read_source(write_spec("base: &b\n  x: 1\n  y: 1\nother:\n  <<: *b\n  y: 2\n"))

    assert source.data["other"] == {"x": 1, "y": 2}
    assert source.lines[("other", "x")] == 2
    assert source.lines[("other", "y")] == 6


def test_a_date_that_does_not_exist_is_a_problem_and_no_crash(write_spec):
    assert "is not valid YAML" in refusals(write_spec("name: 2024-02-31\n"))[0][3]
