"""What modelway knows to do about is what the model server really says."""

import pytest

from model_server.core.errors import ModelUnusable
from model_server.core.package import check_package
from modelway.sagemaker.failures import REMEDIES
from packages import change_byte, write_keys, write_signed_package


def forged(package, trusted, other):
    return package, other[1]


def unsigned(package, trusted, other):
    (package / "model.sig").unlink()
    return package, trusted[1]


def no_package(package, trusted, other):
    (package / "package.json").unlink()
    return package, trusted[1]


def a_file(package, trusted, other):
    return package / "model.onnx", trusted[1]


def changed(package, trusted, other):
    change_byte(package / "model.onnx")
    return package, trusted[1]


CASES = [
    (forged, "not by a trusted key"),
    (unsigned, "only signed packages are loaded"),
    (no_package, "only signed packages are loaded"),
    (a_file, "only signed packages are loaded"),
    (changed, "is not what was packaged"),
]


@pytest.mark.parametrize(("what", "known"), CASES, ids=[case.__name__ for case, _known in CASES])
def test_a_reason_of_the_server_has_a_remedy(tmp_path, what, known):
    trusted, other = write_keys(tmp_path / "trusted"), write_keys(tmp_path / "other")
    folder, key = what(write_signed_package(tmp_path / "fraud-1", trusted[0]), trusted, other)

    with pytest.raises(ModelUnusable) as refused:
        check_package(folder, key.read_text())

    assert [part for part in REMEDIES if part in str(refused.value)] == [known]


def test_there_is_no_remedy_for_what_the_server_never_says():
    assert {known for _case, known in CASES} == {*REMEDIES}
