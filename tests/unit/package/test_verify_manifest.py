"""What a signed manifest and a signed model may not say, whoever signed them."""

import pytest

from modelway.errors import PackageError
from modelway.package.verify import verify_package
from onnx_models import (
    given_twice,
    in_a_constant,
    in_a_function,
    in_a_list_of_graphs,
    in_a_list_of_tensors,
    in_a_sparse_attribute,
    in_a_sparse_initializer,
    in_a_subgraph,
    in_sparse_indices,
    in_training_information,
    padded_key,
    refers_to,
    two_locations,
    unmarked,
)
from package_refusals import refused_by_verify as refused
from packages import (
    as_bytes,
    edit_manifest,
    saved,
    sign_again,
    write_keys,
    write_manifest,
    write_signed_package,
)


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path, keys):
    return write_signed_package(tmp_path / "fraud-1", keys[0])


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../fraud.bin", "weights/../../x", "./model.onnx", "a//b", "a\\b", "", "."],
)
def test_a_manifest_that_lists_a_path_outside_is_refused(package, keys, path):
    edit_manifest(package, lambda manifest: manifest["files"][0].update(path=path))

    message = refused(*sign_again(package, keys))

    assert f"the manifest lists {path!a}, which is no plain path inside the folder" in message


@pytest.mark.parametrize("path", ["model.sig", "package.json", "evidence/x.json"])
def test_a_manifest_that_lists_what_is_detached_is_refused(package, keys, path):
    edit_manifest(package, lambda manifest: manifest["files"][0].update(path=path))

    assert f"{path!a}, which is the manifest, evidence or the signature" in (
        refused(*sign_again(package, keys))
    )


def test_a_manifest_that_lists_a_file_twice_is_refused(package, keys):
    edit_manifest(package, lambda manifest: manifest["files"].append(manifest["files"][0]))

    assert "not sorted, or one is there twice" in refused(*sign_again(package, keys))


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("spaces", lambda text: text.replace(b":", b": ")),
        ("no newline", lambda text: text.rstrip(b"\n")),
        ("two newlines", lambda text: text + b"\n"),
        (
            "another order",
            lambda text: b'{"version":"1",' + text.replace(b',"version":"1"', b"")[1:],
        ),
        ("a key twice", lambda text: text.replace(b'"name":', b'"name":"x","name":', 1)),
        ("an escape", lambda text: text.replace(b'"fraud"', b'"\\u0066raud"', 1)),
    ],
)
def test_a_manifest_in_another_form_is_refused(package, keys, what, change):
    manifest = package / "package.json"
    manifest.write_bytes(change(manifest.read_bytes()))

    assert "it is not in canonical form" in refused(*sign_again(package, keys))


def test_what_is_no_manifest_is_refused(package, keys):
    (package / "package.json").write_bytes(b"[]\n")

    assert "is not one of modelway.package/1" in refused(*sign_again(package, keys))


def test_a_folder_without_a_manifest_is_no_package(package, keys):
    (package / "package.json").unlink()

    with pytest.raises(PackageError, match=r"is no package: it has no package\.json"):
        verify_package(package, [keys[1]])


@pytest.mark.parametrize(
    "make",
    [
        refers_to,
        in_a_constant,
        in_a_list_of_tensors,
        in_a_subgraph,
        in_a_list_of_graphs,
        in_a_sparse_initializer,
        in_sparse_indices,
        in_a_sparse_attribute,
        in_a_function,
        in_training_information,
    ],
)
@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("../w.bin", "`../w.bin`, outside the package"),
        ("/etc/passwd", "`/etc/passwd`, outside the package"),
        ("weights/other.bin", "`weights/other.bin`, which is not in the manifest"),
    ],
)
def test_weights_outside_are_refused_wherever_the_model_names_them(
    package, keys, make, location, reason
):
    saved(make(location), package / "model.onnx")
    write_manifest(package)

    assert f"`model.onnx` keeps weights in {reason}" in refused(*sign_again(package, keys))


@pytest.mark.parametrize("make", [unmarked, given_twice, two_locations, padded_key])
def test_weights_that_a_model_hides_are_refused(package, keys, make):
    (package / "model.onnx").write_bytes(as_bytes(make()))
    write_manifest(package)

    assert "`model.onnx` keeps weights in `" in refused(*sign_again(package, keys))


def test_a_model_that_is_no_onnx_is_refused(package, keys):
    (package / "model.onnx").write_bytes(b"\x80\x05weights")
    write_manifest(package)

    assert "`model.onnx` cannot be read as ONNX (DecodeError)" in refused(
        *sign_again(package, keys)
    )
