"""What is verified is what somebody trusted signed; everything else is refused, with every reason.

Each package is signed with model-signing's own interface, and each tampering is shown to its own
verifier too, where that one can see it.
"""

import json
import os
import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from modelway.errors import PackageError
from modelway.package.verify import verify_package
from package_refusals import refused_by_verify as refused
from packages import (
    accepted_by_model_signing,
    change_byte,
    edit_manifest,
    sign,
    write_keys,
    write_manifest,
    write_package,
    write_signed_package,
)


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path, keys):
    return write_signed_package(tmp_path / "fraud-1", keys[0])


def test_a_signed_package_is_verified(package, keys):
    verified = verify_package(package, [keys[1]])

    assert verified.manifest.name == "fraud"
    assert verified.folder == package
    assert verified.key.file == keys[1]
    assert len(verified.digest) == len("sha256:") + 64
    assert accepted_by_model_signing(package, keys[1])


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_keys_of_each_curve_verify(tmp_path, curve):
    private, public = write_keys(tmp_path, curve=curve)
    folder = write_package(tmp_path / "fraud-1")
    sign(folder, private)

    assert verify_package(folder, [public]).manifest.version == "1"


def test_one_trusted_key_of_several_suffices(package, keys, tmp_path):
    others = write_keys(tmp_path / "others")

    assert verify_package(package, [others[1], keys[1]]).key.file == keys[1]


def test_a_file_may_hold_several_keys(package, keys, tmp_path):
    others = write_keys(tmp_path / "others")
    both = tmp_path / "both.pem"
    both.write_bytes(others[1].read_bytes() + b"a comment\n" + keys[1].read_bytes())

    assert verify_package(package, [both]).key.file == both


def test_evidence_may_be_added_after_signing(package, keys):
    (package / "evidence/rehearsal.json").write_text("{}")

    assert verify_package(package, [keys[1]])


@pytest.mark.parametrize(
    "path", ["model.onnx", "weights/w.bin", "MODEL_CARD.md", "environment.txt"]
)
def test_a_changed_byte_is_refused(package, keys, path):
    change_byte(package / path)

    assert f"`{path}` was changed: its SHA-256 is" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


def test_a_changed_byte_of_the_manifest_is_refused(package, keys):
    edit_manifest(package, lambda manifest: manifest.update(version="2"))

    assert "another `package.json` was signed" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


def test_a_file_that_is_longer_is_refused(package, keys):
    with (package / "weights/w.bin").open("ab") as file:
        file.write(b"x")

    assert "`weights/w.bin` has 49 bytes and the manifest says 48" in refused(package, keys[1])


def test_a_changed_file_with_a_manifest_to_match_is_refused(package, keys):
    change_byte(package / "weights/w.bin")
    write_manifest(package)

    message = refused(package, keys[1])

    assert "another `package.json` was signed" in message
    assert "another `weights/w.bin` was signed" in message


@pytest.mark.parametrize("path", ["model.onnx", "weights/w.bin", "MODEL_CARD.md"])
def test_a_missing_file_is_refused(package, keys, path):
    (package / path).unlink()

    assert f"`{path}` is missing" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


@pytest.mark.parametrize(
    "path", ["extra.bin", ".hidden", "weights/x.bin", "evidence/x.bin", "evidence/a/b.json"]
)
def test_an_extra_file_is_refused(package, keys, path):
    (package / path).parent.mkdir(exist_ok=True)
    (package / path).write_bytes(b"x")

    assert f"`{path}` is not in the manifest" in refused(package, keys[1])


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "a\\b", os.fsdecode(b"\xff")])
def test_a_file_with_a_name_that_would_garble_the_message_is_refused(package, keys, name):
    (package / name).write_bytes(b"x")

    message = refused(package, keys[1])

    assert "is no name that a package's file has" in message
    assert message.isprintable()


def test_another_key_is_refused(package, keys, tmp_path):
    others = write_keys(tmp_path / "others")

    message = refused(package, others[1])

    assert "`model.sig` is signed by the key " in message
    assert f"({others[1]})" in message
    assert not accepted_by_model_signing(package, others[1])


def test_a_signature_that_names_a_trusted_key_and_is_of_another_is_refused(package, keys, tmp_path):
    others = write_keys(tmp_path / "others")
    said = json.loads((package / "model.sig").read_text())["verificationMaterial"]
    (package / "model.sig").unlink()
    sign(package, others[0])
    bundle = json.loads((package / "model.sig").read_text())
    bundle["verificationMaterial"] = said
    (package / "model.sig").write_text(json.dumps(bundle))

    assert "not by a trusted key, or it was changed" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


def test_an_unsigned_package_is_refused(package, keys):
    (package / "model.sig").unlink()

    assert "it is not signed: there is no `model.sig`" in refused(package, keys[1])


def test_the_signature_of_another_package_is_refused(package, keys, tmp_path):
    other = write_package(tmp_path / "other", **{"extra.bin": b"x"})
    sign(other, keys[0])
    shutil.copy(other / "model.sig", package / "model.sig")

    message = refused(package, keys[1])

    assert "another `model.onnx` was signed" in message
    assert "`weights/w.bin` was not signed" in message
    assert "`extra.bin` was signed and is not in the manifest" in message


def test_a_signature_of_more_than_the_package_is_refused(package, keys):
    (package / "model.sig").unlink()
    sign(package, keys[0], ignored=("model.sig",))

    assert "`evidence/parity.json` was signed and is not in the manifest" in (
        refused(package, keys[1])
    )


@pytest.mark.parametrize("path", ["model.onnx", "MODEL_CARD.md", "weights/w.bin"])
def test_a_link_in_a_files_place_is_refused(package, keys, tmp_path, path):
    shutil.move(package / path, tmp_path / "moved")
    (package / path).symlink_to(tmp_path / "moved")

    message = refused(package, keys[1])

    assert f"`{path}` is a symbolic link" in message
    assert f"`{path}` is missing" in message
    assert not accepted_by_model_signing(package, keys[1])


def test_a_link_in_a_folders_place_is_refused(package, keys, tmp_path):
    shutil.move(package / "weights", tmp_path / "moved")
    (package / "weights").symlink_to(tmp_path / "moved")

    assert "`weights` is a symbolic link" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


@pytest.mark.parametrize("name", ["model.sig", "package.json"])
def test_a_link_in_place_of_manifest_or_signature_is_refused(package, keys, tmp_path, name):
    shutil.move(package / name, tmp_path / "moved")
    (package / name).symlink_to(tmp_path / "moved")

    with pytest.raises(PackageError, match=r"link|levels of symbolic"):
        verify_package(package, [keys[1]])


def test_a_link_among_the_evidence_is_refused(package, keys):
    (package / "evidence/x.json").symlink_to("/etc/passwd")

    assert "`evidence/x.json` is a symbolic link" in refused(package, keys[1])


def test_a_pipe_is_refused_and_not_waited_for(package, keys):
    (package / "MODEL_CARD.md").unlink()
    os.mkfifo(package / "MODEL_CARD.md")

    assert "`MODEL_CARD.md` is no regular file" in refused(package, keys[1])


def test_every_problem_is_told_at_once(package, keys, tmp_path):
    change_byte(package / "model.onnx")
    (package / "weights/w.bin").unlink()
    (package / "extra").write_bytes(b"x")
    (package / "link").symlink_to("extra")
    others = write_keys(tmp_path / "others")

    message = refused(package, others[1])

    for wanted in (
        "`model.onnx` was changed",
        "`weights/w.bin` is missing",
        "`extra` is not in the manifest",
        "`link` is a symbolic link",
        "not by a trusted key",
    ):
        assert wanted in message


def test_without_a_trusted_key_nothing_is_verified(package):
    with pytest.raises(PackageError, match="none is named"):
        verify_package(package, [])


def test_keys_that_cannot_be_used_are_all_told_of(package, keys, tmp_path):
    public = rsa.generate_private_key(65537, 2048).public_key()
    (tmp_path / "rsa.pem").write_bytes(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    small = ec.generate_private_key(ec.SECP224R1()).public_key()
    (tmp_path / "small.pem").write_bytes(
        small.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "damaged.pem").write_bytes(
        keys[1].read_bytes().replace(b"M", b"A", 1)  # the first letter of its content
    )
    names = ("rsa.pem", "small.pem", "damaged.pem", "missing.pem")

    with pytest.raises(PackageError) as caught:
        verify_package(package, [*(tmp_path / name for name in names), keys[0]])

    for wanted in (
        "rsa.pem holds a key of another kind (RSAPublicKey)",
        "small.pem holds a key of another kind (secp224r1)",
        "damaged.pem holds a public key that is damaged",
        "missing.pem cannot be read: No such file",
        f"{keys[0]} holds no public key in PEM",
    ):
        assert wanted in str(caught.value)
