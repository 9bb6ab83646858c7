"""Packages of ONNX files: what is in them, where they go, and that they are the same each time."""

import base64
import hashlib
import json
import os

import onnx
import pytest

from modelway.errors import PackageError
from modelway.package.contents import check_package
from modelway.package.manifest import RegisteredModel, SourceFormat, canonical, read_manifest

IDENTITY = (
    "CAg6QQoQCgF4EgF5IghJZGVudGl0eRIBZ1oUCgF4Eg8KDQgBEgkKAxIBbgoC"
    "CAJiFAoBeRIPCg0IARIJCgMSAW4KAggCQgQKABAR"
)
"""A whole ONNX file: `x`, float32 (n, 2), is handed on as `y`."""

RULES = '{"version": 1, "inputs": {"pixels": {"columns": [{}, {}, {}, {}]}}}'


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_onnx_file_is_packaged_as_it_is(make, write_onnx):
    content = write_onnx().read_bytes()

    made = make(licence="MIT", metrics={"auc": 0.9}, training_job="run-7", data_snapshot="2026-11")

    sha256 = hashlib.sha256(content).hexdigest()
    assert listing(made.folder) == [
        "MODEL_CARD.md",
        "environment.txt",
        "model.onnx",
        "package.json",
    ]
    assert (made.folder / "model.onnx").read_bytes() == content
    assert json.loads((made.folder / "package.json").read_bytes()) == {
        "schema": "modelway.package/1",
        "name": "fraud",
        "version": "1",
        "files": [
            {
                "path": name,
                "sha256": hashlib.sha256((made.folder / name).read_bytes()).hexdigest(),
                "size_bytes": (made.folder / name).stat().st_size,
            }
            for name in ("MODEL_CARD.md", "environment.txt", "model.onnx")
        ],
        "model": {
            "format": "onnx",
            "path": "model.onnx",
            "inputs": [{"name": "pixels", "datatype": "FP32", "shape": [-1, 4]}],
            "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, 4]}],
            "opset": {"": 17, "ai.onnx.ml": 3},
        },
        "source": {"format": "onnx", "sha256": sha256, "class": None},
        "environment": {},
        "licence": "MIT",
        "metrics": {"auc": 0.9},
        "lineage": {
            "training_job": "run-7",
            "data_snapshot": "2026-11",
            "source_sha256": sha256,
        },
    }


def test_the_manifest_is_canonical_and_its_digest_is_the_packages(make):
    made = make(licence="Größe")

    content = (made.folder / "package.json").read_bytes()
    assert content.startswith(b'{"environment":{},"files":[{"path":"MODEL_CARD.md","sha256":"')
    assert content.endswith(b'"version":"1"}\n')
    assert "Größe".encode() in content
    assert made.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert canonical(read_manifest(made.folder)) == content


def test_the_digest_of_a_known_package_never_changes(make, tmp_path):
    source = tmp_path / "known.onnx"
    source.write_bytes(base64.b64decode(IDENTITY))

    made = make(source=source, name="known", version="3", metrics={"accuracy": 1})

    assert made.digest == (
        "sha256:8332470216ffcd6eef4c34eacfd1d61dd7361cc055ace464771070e6b08cb661"
    )


def test_names_places_and_times_do_not_matter(make, write_onnx, tmp_path):
    first = make("first")
    other = tmp_path / "elsewhere"
    other.mkdir()
    source = write_onnx().rename(other / "another name.onnx")
    os.utime(source, (1, 1))

    again = make("second", source=source)

    assert again.digest == first.digest
    for name in listing(first.folder):
        assert (again.folder / name).read_bytes() == (first.folder / name).read_bytes()


@pytest.mark.parametrize(
    "options",
    [{"name": "other"}, {"version": "2"}, {"licence": "MIT"}, {"metrics": {"auc": 1.0}}],
)
def test_every_option_that_says_something_is_another_package(options, make):
    assert make("first").digest != make("second", **options).digest


def test_sample_rows_are_run_and_the_first_are_kept(make, tmp_path):
    samples = tmp_path / "rows.csv"
    samples.write_text("".join(f"{n},1,2,3\n" for n in range(300)))

    made = make(samples=samples, keep_rows=2)

    lines = (made.folder / "samples.jsonl").read_text().splitlines()
    assert lines == ['{"pixels":[0.0,1.0,2.0,3.0]}', '{"pixels":[1.0,1.0,2.0,3.0]}']
    assert made.compared is None  # nothing was converted


def test_input_rules_are_part_of_the_package(make, tmp_path):
    rules = tmp_path / "any name.json"
    rules.write_text(RULES)

    made = make(input_rules=rules)

    assert (made.folder / "input_rules.json").read_text() == RULES
    assert "input_rules.json" in [file.path for file in made.manifest.files]


def test_input_rules_that_do_not_fit_the_model_are_refused(make, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text(RULES.replace("pixels", "pages"))

    with pytest.raises(PackageError, match=r"`inputs\.pages` is no input of the model"):
        make(input_rules=rules)


def test_the_card_says_what_the_manifest_says(make):
    made = make(licence="MIT | <b>", metrics={"auc": 0.9}, training_job="run_7")

    card = (made.folder / "MODEL_CARD.md").read_text()
    assert card.startswith("# fraud 1\n")
    assert "| Licence | MIT \\| \\<b> |" in card
    assert "| Training job | run\\_7 |" in card
    assert "| Data snapshot | not stated |" in card
    assert "| auc | 0.9 |" in card
    assert "| pixels | FP32 | [-1, 4] |" in card


def test_the_registry_that_a_model_was_in_is_part_of_lineage_and_card(make):
    registered = {"registry": "mlflow", "name": "risk|fraud", "version": "3", "run_id": "0f1e"}

    made = make(registered=RegisteredModel(**registered))

    written = json.loads((made.folder / "package.json").read_bytes())
    assert written["lineage"]["registered"] == registered | {"source": None}
    assert read_manifest(made.folder) == made.manifest
    card = (made.folder / "MODEL_CARD.md").read_text()
    assert "| Registered | mlflow: risk\\|fraud 3 |" in card


def test_external_data_comes_along(make, write_external):
    source = write_external()

    made = make(source=source)

    assert "weights.bin" in listing(made.folder)
    assert made.manifest.source.format is SourceFormat.ONNX
    listed = "".join(
        f"{hashlib.sha256((made.folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("model.onnx", "weights.bin")
    )
    assert made.manifest.source.sha256 == hashlib.sha256(listed.encode()).hexdigest()


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("../weights.bin", "is no plain path inside the folder"),
        ("/etc/hostname", "is no plain path inside the folder"),
        ("none.bin", "cannot be read: No such file or directory"),
        ("Package.JSON", "is a name that packages use themselves"),
        ("evidence/parity.json", "is a name that packages use themselves"),
    ],
)
def test_external_data_elsewhere_is_refused(location, why, make, write_external):
    source = write_external()
    model = onnx.load(source, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = location
    source.write_bytes(model.SerializeToString())

    with pytest.raises(PackageError, match=f"`{location}` {why}"):
        make(source=source)


def test_external_data_behind_a_link_is_refused(make, write_external, tmp_path):
    source = write_external()
    (tmp_path / "weights.bin").rename(tmp_path / "real.bin")
    (tmp_path / "weights.bin").symlink_to("real.bin")

    with pytest.raises(PackageError, match=r"`weights\.bin` is, or lies behind, a symbolic link"):
        make(source=source)


def test_a_model_that_onnxruntime_does_not_load_is_refused_and_leaves_nothing(
    make, write_zipmap, tmp_path
):
    with pytest.raises(PackageError, match="output_probability"):
        make(source=write_zipmap())

    assert listing(tmp_path) == ["zipmap.onnx"]


def test_the_same_package_again_is_left_as_it_is(make):
    made = make()
    (made.folder / "model.sig").write_text("a signature")
    (made.folder / "evidence").mkdir()
    (made.folder / "evidence/rehearsal.json").write_text("{}")

    again = make()

    assert (made.unchanged, again.unchanged) == (False, True)
    assert (made.folder / "model.sig").read_text() == "a signature"
    assert (made.folder / "evidence/rehearsal.json").exists()


def test_another_package_is_replaced_only_when_asked_for(make):
    first = make()
    (first.folder / "model.sig").write_text("a signature of the first")

    with pytest.raises(PackageError, match=f"is another, {first.digest}.* with --force"):
        make(version="2")
    assert check_package(first.folder).digest == first.digest

    second = make(version="2", replace=True)
    assert check_package(second.folder).digest == second.digest
    assert not (second.folder / "model.sig").exists()


def test_a_package_that_was_changed_is_not_taken_for_the_same(make):
    made = make()
    (made.folder / "model.onnx").write_bytes(b"changed")

    with pytest.raises(PackageError, match="is one that was changed since it was made"):
        make()


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_with_other_files_is_never_touched(replace, make, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package/thesis.tex").write_text("three years of work")

    with pytest.raises(PackageError, match="which has other files in it"):
        make(replace=replace)

    assert listing(tmp_path / "package") == ["thesis.tex"]


def test_an_empty_folder_is_as_good_as_none(make, tmp_path):
    (tmp_path / "package").mkdir()

    assert not make().unchanged


def test_nothing_is_left_beside_the_package(make, tmp_path):
    make()
    make(version="2", replace=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "package"]
