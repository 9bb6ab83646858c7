from pathlib import Path

import pytest

from modelway.engine.hosts.program import main_file, run_main, user_traceback


def run(directory: Path, source: str) -> str:
    """Run a program and give the report of its error."""
    file = directory / "__main__.py"
    file.write_text(source)
    try:
        run_main(file)
    except (ArithmeticError, ValueError) as error:
        return user_traceback(error, directory)
    raise AssertionError("the program did not fail")


def test_a_traceback_begins_in_the_users_program(tmp_path):
    report = run(tmp_path, "def f():\n    1 / 0\nf()\n").splitlines()

    assert report[0] == "Traceback (most recent call last):"
    assert report[1] == f'  File "{tmp_path}/__main__.py", line 3, in <module>'
    assert report[-1] == "ZeroDivisionError: division by zero"
    assert not any("runpy" in line for line in report)


def test_an_error_that_the_sdk_wraps_shows_the_users_part_of_its_cause(tmp_path):
    file = tmp_path / "__main__.py"
    file.write_text("1 / 0\n")
    try:
        try:
            run_main(file)
        except ZeroDivisionError as cause:
            raise RuntimeError("wrapped") from cause
    except RuntimeError as error:
        report = user_traceback(error, tmp_path)

    assert f'File "{tmp_path}/__main__.py", line 1' in report
    assert "runpy" not in report
    assert "RuntimeError: wrapped" in report


def test_a_library_below_the_users_frames_is_shown(tmp_path):
    report = run(tmp_path, "import json\njson.loads('{')\n")

    assert "json/decoder.py" in report


def test_a_plain_exit_is_the_programs_end(tmp_path):
    file = tmp_path / "__main__.py"
    file.write_text(
        "import pathlib, sys\n"
        "ran = pathlib.Path(__file__).with_name('ran')\n"
        "ran.touch()\nsys.exit()\nran.unlink()\n"
    )

    run_main(file)

    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("code", ["3", "'a message'"])
def test_an_exit_with_a_status_is_passed_on(tmp_path, code):
    file = tmp_path / "__main__.py"
    file.write_text(f"import sys\nsys.exit({code})\n")

    with pytest.raises(SystemExit):
        run_main(file)


def test_the_main_file_is_the_entry_point_or_inside_it(tmp_path):
    (tmp_path / "entry.py").touch()
    request = {"program_directory": str(tmp_path), "entry_point": "."}

    assert main_file(request) == tmp_path / "__main__.py"
    assert main_file(request | {"entry_point": "entry.py"}) == tmp_path / "entry.py"
