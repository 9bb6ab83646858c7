"""What a spec adds, as folders for Python's path. Installing packages is an integration test."""

from modelway.image.runtime import extra_path
from modelway.plan.model import Extras


def test_added_code_lies_in_a_folder_named_by_its_content(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    (first,) = extra_path(Extras("", {"handler.py": "one = 1\n"}))
    (second,) = extra_path(Extras("", {"handler.py": "one = 2\n"}))
    (again,) = extra_path(Extras("", {"handler.py": "one = 1\n"}))

    assert first == again != second
    assert [path.name for path in first.iterdir()] == ["handler.py"]
    assert (second / "handler.py").read_text() == "one = 2\n"


def test_nothing_added_is_no_folder():
    assert extra_path(Extras()) == []
