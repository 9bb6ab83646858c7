"""Programs run by the real engine through the hosts of this package."""

import pytest

pytestmark = pytest.mark.integration


def test_a_program_is_deployed_and_a_second_up_changes_nothing(project):
    first = project.pulumi("up", "--yes")
    second = project.pulumi("up", "--yes", "--expect-no-changes")

    assert first[0] == 0, first[1]
    assert "+ 2 created" in first[1]
    assert "answer: 42" in first[1]
    assert "the program speaks" in first[1]
    assert "warning:" not in first[1]
    assert second[0] == 0, second[1]
    assert "2 unchanged" in second[1]
    assert project.marks == ["started", "finished"]


def test_no_process_outlives_a_finished_engine(project):
    project.pulumi("up", "--yes")

    assert project.processes() == []


def test_an_error_of_the_program_is_shown_once_as_the_users_traceback(project):
    status, output = project.pulumi("preview", PROGRAM_FAULT="raise ValueError('the fault')")

    report = output[output.index("Diagnostics:") :]
    assert status != 0
    assert report.count("ValueError: the fault") == 1
    assert f'File "{project.directory}/program/__main__.py", line 9' in report
    assert "modelway" not in report
    assert "runpy" not in report
    assert "unhandled error" not in report


def test_a_syntax_error_of_the_program_names_file_and_line(project):
    (project.directory / "program" / "__main__.py").write_text("x = 1\nx = = 2\n")

    status, output = project.pulumi("preview")

    assert status != 0
    assert f'File "{project.directory}/program/__main__.py", line 2' in output
    assert "SyntaxError: invalid syntax" in output


def test_a_missing_program_is_named(project):
    (project.directory / "program" / "__main__.py").unlink()

    status, output = project.pulumi("preview")

    assert status != 0
    assert "unable to find the main Python program" in output


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("raise SystemExit(3)", "the program exited with status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
    ],
)
def test_a_program_that_ends_itself_fails_the_run(project, fault, message):
    status, output = project.pulumi("preview", PROGRAM_FAULT=fault)

    assert status != 0
    assert message in output


def test_a_plain_exit_keeps_what_was_declared_before(project):
    status, output = project.pulumi("up", "--yes", PROGRAM_FAULT="raise SystemExit")

    assert status == 0, output
    assert "+ 2 created" in output


def test_a_main_file_is_run_from_its_directory_and_finds_its_neighbours(project):
    (project.directory / "Pulumi.yaml").write_text(
        "name: tiny\nruntime: python\nmain: program/entry.py\n"
    )
    (project.directory / "program" / "entry.py").write_text(
        "import os, pulumi, clock\npulumi.export('cwd', os.path.basename(os.getcwd()))\n"
    )

    status, output = project.pulumi("up", "--yes")

    assert status == 0, output
    assert 'cwd: "program"' in output


def test_configuration_reaches_the_program_and_secrets_stay_secret(project):
    project.pulumi("config", "set", "--secret", "token", "hidden-word")
    fault = "pulumi.export('token', pulumi.Config().require_secret('token'))"

    status, output = project.pulumi("up", "--yes", PROGRAM_FAULT=fault)
    shown = project.pulumi("stack", "output", "token", "--show-secrets")

    assert status == 0, output
    assert "hidden-word" not in output
    assert shown == (0, "hidden-word\n")


def test_about_names_the_interpreter(project):
    import sys

    status, output = project.pulumi("about")

    assert status == 0, output
    assert f"executable='{sys.executable}'" in output
