"""Packages and their signatures, made without modelway.

Signed with the public interface of `model-signing`, so that ours is held to the real format.
"""

import base64
import hashlib
import json
from pathlib import Path

import onnx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from onnx_models import SECRET, plain, refers_to

WEIGHTS = SECRET


def write_package(folder, model=None, **files):
    """A package with one model, and further files by path."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(as_bytes(plain() if model is None else model))
    (folder / "MODEL_CARD.md").write_text("# fraud\n")
    (folder / "environment.txt").write_text("onnx==1.23.2\n")
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    write_manifest(folder)
    return folder


def write_package_with_weights(folder):
    """A package whose model keeps its weights in a file of their own, in a folder."""
    return write_package(folder, refers_to("weights/w.bin"), **{"weights/w.bin": WEIGHTS})


def write_signed_package(folder, private):
    """A signed package with weights in a folder and a piece of evidence."""
    write_package_with_weights(folder)
    (folder / "evidence").mkdir()
    (folder / "evidence/parity.json").write_text("{}")
    sign(folder, private)
    return folder


def as_bytes(model):
    return model if isinstance(model, bytes) else model.SerializeToString()


def manifest_of(folder, files=None):
    """The manifest of what lies in a folder, or of the files given."""
    if files is None:
        files = [
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and not path.is_symlink()
        ]
    listed = [
        {
            "path": path,
            "sha256": hashlib.sha256((folder / path).read_bytes()).hexdigest(),
            "size_bytes": (folder / path).stat().st_size,
        }
        for path in sorted(files)
        if path not in ("package.json", "model.sig") and not path.startswith("evidence/")
    ]
    tensor = {"datatype": "FP32", "shape": [-1, 4]}
    return {
        "schema": "modelway.package/1",
        "name": "fraud",
        "version": "1",
        "files": listed,
        "model": {
            "format": "onnx",
            "path": "model.onnx",
            "inputs": [{"name": "x", **tensor}],
            "outputs": [{"name": "y", **tensor, "shape": [-1, 3]}],
            "opset": {"": 17},
        },
        "source": {"format": "onnx", "sha256": "1" * 64, "class": None},
        "environment": {"onnx": "1.23.2"},
        "licence": None,
        "metrics": {"auc": 0.93},
        "lineage": {"training_job": None, "data_snapshot": None, "source_sha256": "1" * 64},
    }


def canonical(manifest):
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def write_manifest(folder, manifest=None):
    found = manifest_of(folder) if manifest is None else manifest
    (folder / "package.json").write_bytes(canonical(found))


def edit_manifest(folder, change):
    """Change the manifest by a function; it stays canonical."""
    manifest = json.loads((folder / "package.json").read_bytes())
    change(manifest)
    write_manifest(folder, manifest)


def write_keys(folder, name="signing", curve=None, passphrase=None):
    """A private and a public key, in files."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(curve or ec.SECP256R1())
    encryption = (
        serialization.NoEncryption()
        if passphrase is None
        else serialization.BestAvailableEncryption(passphrase)
    )
    private, public = folder / f"{name}.key", folder / f"{name}.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def sign(folder, private, ignored=("evidence", "model.sig")):
    """Sign a folder as the tool `model_signing` does."""
    from model_signing import hashing, signing

    hashed = hashing.Config().set_ignored_paths(paths=ignored, ignore_git_paths=False)
    config = signing.Config().set_hashing_config(hashed)
    config.use_elliptic_key_signer(private_key=private).sign(folder, folder / "model.sig")


def sign_again(folder, keys):
    """Sign what a liar who has the key would sign; give what to verify, and with which key."""
    (folder / "model.sig").unlink(missing_ok=True)
    sign(folder, keys[0])
    return folder, keys[1]


def accepted_by_model_signing(folder, public):
    """What `model_signing verify key` says."""
    from model_signing import verifying

    config = verifying.Config().use_elliptic_key_verifier(public_key=public)
    try:
        config.verify(folder, folder / "model.sig")
    except Exception:  # noqa: BLE001 - whatever it raises, it does not accept
        return False
    return True


def change_byte(path: Path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def saved(model: onnx.ModelProto, path: Path):
    path.write_bytes(model.SerializeToString())


def statement_of(folder):
    """What was signed."""
    bundle = json.loads((folder / "model.sig").read_text())
    return json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


def sign_statement(folder, private, statement, encoding=b"DSSEv1 28 application/vnd.in-toto+json"):
    """Put another statement into a signature, and sign it with the same key."""
    payload = json.dumps(statement).encode()
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    signed = b"%s %d %s" % (encoding, len(payload), payload)
    bundle = json.loads((folder / "model.sig").read_text())
    signature = base64.b64encode(key.sign(signed, ec.ECDSA(hashes.SHA256()))).decode()
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    bundle["dsseEnvelope"]["signatures"] = [{"sig": signature}]
    (folder / "model.sig").write_text(json.dumps(bundle))


def _twice(said):
    said["predicate"]["resources"] *= 2


ODD_STATEMENTS = {
    "another type": lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"),
    "another predicate": lambda said: said.update(predicateType="https://slsa.dev/provenance/v1"),
    "an early predicate": lambda said: said.update(
        predicateType="https://model_signing/Digests/v0.1"
    ),
    "files that do not add up": lambda said: said["predicate"]["resources"].pop(),
    "a file twice": _twice,
    "no subject": lambda said: said.update(subject=[]),
    "two subjects": lambda said: said.update(subject=said["subject"] * 2),
    "shards": lambda said: said["predicate"]["serialization"].update(method="shards"),
    "another hash": lambda said: said["predicate"]["serialization"].update(hash_type="blake2b"),
    "another hash of a file": lambda said: said["predicate"]["resources"][0].update(
        algorithm="blake2b"
    ),
    "links": lambda said: said["predicate"]["serialization"].update(allow_symlinks=True),
    "a short digest": lambda said: said["predicate"]["resources"][0].update(digest="00"),
    "no digest": lambda said: said["predicate"]["resources"][0].pop("digest"),
    "no predicate": lambda said: said.pop("predicate"),
    "a list": lambda said: said["predicate"].update(resources=7),
}
"""Changes of a statement after which it is no signature of a model's files, by whomever signed."""
