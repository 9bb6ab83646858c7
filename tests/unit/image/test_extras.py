"""What a spec adds to an image: the files that it names, read and checked."""

import pytest

from modelway.errors import SpecError
from modelway.image.extras import extras_problems, read_extras
from modelway.plan.model import Extras
from modelway.spec.image import ImageBuild

ONE = "sha256:" + "1" * 64
HANDLER = "def preprocess(body, content_type, context):\n    return {}\n"


@pytest.fixture
def image(tmp_path):
    """An image with files of the given contents."""

    def make(requirements=None, handler=None, **parts):
        if requirements is not None:
            (tmp_path / "fraud.lock").write_text(requirements)
            parts["requirements"] = str(tmp_path / "fraud.lock")
        if handler is not None:
            (tmp_path / "handler.py").write_text(handler)
            parts["handler"] = str(tmp_path / "handler.py")
        return ImageBuild(**parts)

    return make


def the_problem(image):
    (problem,) = extras_problems(image)
    return problem


def test_nothing_is_added_to_an_image_that_is_not_built():
    assert read_extras(None) == Extras()
    assert read_extras(f"repository@{ONE}") == Extras()


def test_packages_and_handler_are_read(image):
    found = read_extras(image(f"tinydb==4.8.2 --hash={ONE}\n", HANDLER))

    assert found.requirements == f"tinydb==4.8.2 --hash={ONE}\n"
    assert found.code == {"handler.py": HANDLER}


def test_every_problem_of_both_files_is_told_at_once(image):
    broken = image("tinydb\nother==1\n", "def preprocess(:\n")

    with pytest.raises(SpecError) as failure:
        read_extras(broken)

    told = [(problem.path, problem.message) for problem in failure.value.problems]
    assert told == [
        (
            "image.requirements",
            "line 1 of fraud.lock: tinydb is not pinned to one version with ==",
        ),
        ("image.requirements", "line 2 of fraud.lock: other has no hash"),
        ("image.handler", "line 1 of handler.py: invalid syntax"),
    ]


def test_a_package_of_the_server_at_another_version_is_refused_with_both(image):
    problem = the_problem(image(f"numpy==1.0 --hash={ONE}\n"))

    assert problem.message.startswith("line 1 of fraud.lock: numpy 1.0 is not the numpy 2.")
    assert problem.message.endswith("that the model server is locked to")


def test_a_wanted_package_that_is_not_locked_is_told_with_the_command_that_locks(image):
    problem = the_problem(image(f"tinydb==4.8.2 --hash={ONE}\n", packages=("tinydb", "other")))

    assert (problem.path, problem.message) == (
        "image.packages[1]",
        "is not in the file of pinned packages",
    )
    assert "modelway image lock SPEC" in problem.allowed


def test_a_wanted_package_may_be_one_of_the_servers_own(image):
    assert extras_problems(image("", packages=("numpy>=2",))) == []


@pytest.mark.parametrize("field", ["requirements", "handler"])
def test_a_file_that_is_not_there_is_told_with_its_field(tmp_path, field):
    problem = the_problem(ImageBuild(**{field: str(tmp_path / "absent")}))

    assert problem.path == f"image.{field}"
    assert problem.message == "cannot be read: No such file or directory"


def test_a_handler_without_its_functions_is_refused(image):
    problem = the_problem(image(handler="def predict():\n    pass\n"))

    assert problem.message == "handler.py defines neither `preprocess` nor `postprocess`"


def test_a_handler_may_take_its_functions_from_elsewhere(image):
    assert extras_problems(image(handler="from shared import preprocess\n")) == []


def test_a_handler_of_more_than_256_kib_is_refused(image):
    problem = the_problem(image(handler=HANDLER + "#" * 256 * 1024))

    assert "at most 262144 bytes" in problem.allowed
