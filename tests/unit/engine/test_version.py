import pytest

from modelway.engine.version import ask_version, is_supported, parse_version


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("v3.225.0", (3, 225, 0)),
        ("3.272.0", (3, 272, 0)),
        ("v3.225.0-alpha.1\n", (3, 225, 0)),
        ("3.225", None),
        ("3.225.0.1", None),
        ("not a version", None),
    ],
)
def test_a_version_is_read_with_and_without_its_letter(text, numbers):
    assert parse_version(text) == numbers


@pytest.mark.parametrize("version", ["3.225.0", "3.225.1", "3.272.0", "3.999.9"])
def test_an_engine_of_major_version_three_from_the_tested_one_on_is_supported(version):
    assert is_supported(version)


@pytest.mark.parametrize("version", ["3.224.9", "2.300.0", "4.0.0", "4.1.2", "unknown"])
def test_an_older_engine_or_one_of_another_major_version_is_not_supported(version):
    assert not is_supported(version)


def test_a_program_that_is_no_engine_has_no_version(tmp_path):
    odd = tmp_path / "pulumi"
    odd.write_text("#!/bin/sh\necho usage: something else\n")
    odd.chmod(0o755)

    assert ask_version(odd) is None
    assert ask_version(tmp_path / "absent") is None
