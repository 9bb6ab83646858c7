"""The repository's program with three stacks, driven as a user does, and what was seen of it."""

import contextlib
import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnxruntime
import yaml
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelway.emulator.process import RunningEmulator
from modelway.testing import PulumiStack

REPOSITORY = Path(__file__).parents[4]
COMMANDS = Path(sys.executable).parent
NAME = "flowers"
STACKS = ("dev", "staging", "prod")
ROWS = load_iris().data[::5].astype(np.float32)
APPROVER = "ml-lead@example.com"
BUILDER = "https://ci.example.com"
PROVENANCE = "provenance=provenance.json"
"""As `--evidence` takes it, once the image is attested."""
BUCKET = "flowers-registry"
"""Of the registry's archives."""


@dataclass(frozen=True)
class Package:
    """One version of the model, packaged and signed."""

    version: str
    folder: Path
    digest: str
    """Of its manifest."""


Answers = tuple[list[int], np.ndarray]
"""Labels and probabilities for ROWS."""


@dataclass(frozen=True)
class Seen:
    """What a stack did at one time."""

    answers: Answers
    instance_type: str
    image: str
    environment: dict[str, str]
    archive_key: str
    archive_sha256: str
    loaded: list[dict[str, Any]]
    """The lines of its servers' logs that tell of a loaded model, the oldest first."""
    records: list[dict[str, Any]]
    """The oldest first."""


@dataclass(frozen=True)
class Step:
    """A version in every stack."""

    package: Package
    stacks: dict[str, Seen]
    pushed: list[tuple[str, str, Any]]

    @property
    def expected(self) -> Answers:
        """Onnxruntime's own answers."""
        session = onnxruntime.InferenceSession(
            str(self.package.folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        labels, probabilities = session.run(["label", "probabilities"], {"input": ROWS})
        return labels.tolist(), probabilities


@dataclass(frozen=True)
class Waiting:
    """A version that nobody has approved."""

    package: Package
    version: dict[str, Any]
    again: dict[str, Any]
    """What registering it once more gave."""
    release: str
    """What `modelway release` said."""
    preview: str
    """What `pulumi preview` of dev said."""
    files: list[Path]
    """Of the releases, after both."""


@dataclass(frozen=True)
class Refused:
    """A promotion that was refused."""

    failed: dict[str, str]
    """What was found, by the names of the rules that failed."""
    said: str


@dataclass(frozen=True)
class Back:
    """What there was after going back."""

    stacks: dict[str, Seen]
    pushed: list[tuple[str, str, Any]]
    said: str
    another_up: str
    releases: list[dict[str, Any]]


class Program(PulumiStack):
    """The repository's own program with one spec; `on` gives it with another stack."""

    def __init__(self, emulator: RunningEmulator, work_dir: Path) -> None:
        super().__init__(REPOSITORY, emulator, work_dir, "dev")
        self.environment |= {
            "MODELWAY_RELEASE_KEY": "release-key.pem",
            "MODELWAY_APPROVER": APPROVER,
        }
        self.stacks = self.directory / "stacks"
        for spec in (self.stacks / "specs").glob("*.yaml"):
            spec.unlink()
        self.file = self.stacks / "specs" / f"{NAME}.yaml"
        self.spec: dict[str, Any] = {"name": NAME}
        self.packages: list[Package] = []

    def on(self, stack: str) -> "Program":
        """Give the same program and files, with another stack."""
        other = copy.copy(self)
        other.stack = stack
        return other

    def write(self, **parts: Any) -> None:
        """Change parts of the spec."""
        self.spec |= parts
        self.file.write_text(yaml.safe_dump(self.spec, sort_keys=False))

    @contextlib.contextmanager
    def edited(self, file: Path, old: str, new: str) -> Iterator[None]:
        """Change a file by hand for a while."""
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        try:
            yield
        finally:
            file.write_text(text)

    def shell(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command line in the project's folder, as a user would."""
        variables = self.environment
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.directory,
            env=variables | {"PATH": f"{COMMANDS}:{variables['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        if check:
            assert done.returncode == 0, command + "\n" + done.stdout + done.stderr
        return done

    def json(self, command: str) -> Any:
        """Run a command and give the JSON that it prints."""
        return json.loads(self.shell(f"{command} --json").stdout)

    def refused_preview(self) -> str:
        """Run `pulumi preview`, which must fail, and give all that it printed."""
        self.select()
        preview = self.run("preview", check=False)
        assert preview.returncode != 0, preview.stdout
        return preview.stdout + preview.stderr

    def files(self) -> list[Path]:
        """Give every file and folder of releases."""
        return sorted((self.stacks / "releases").rglob("*"))

    def record_files(self) -> list[Path]:
        """Give the stack's records, the oldest first."""
        folder = self.stacks / "releases" / self.stack / NAME
        return sorted(each for each in folder.glob("*.json") if ".dsse" not in each.name)

    def records(self) -> list[dict[str, Any]]:
        """Give what the stack's records say, the oldest first."""
        return [json.loads(each.read_text()) for each in self.record_files()]

    def train(self, version: str, strength: float) -> Package:
        """Train a pipeline, package it and sign it, as the README tells."""
        iris = load_iris()
        classifier = LogisticRegression(C=strength, max_iter=500)
        model = make_pipeline(StandardScaler(), classifier).fit(iris.data, iris.target)
        joblib.dump(model, self.directory / f"{NAME}.joblib")
        np.savetxt(self.directory / "holdout.csv", iris.data, delimiter=",", fmt="%g")
        made = self.json(
            f"modelway package {NAME}.joblib --trust --samples holdout.csv --version {version}"
        )
        folder = self.directory / f"{NAME}-{version}"
        self.shell(f"modelway sign {folder.name} --key signing.pem")
        self.packages.append(Package(version, folder, made["digest"]))
        return self.packages[-1]

    def register(self, package: Package) -> dict[str, Any]:
        """Register a package to be approved, and give its version."""
        self.write(model={"registry": f"{NAME}@approved"})
        return self.json(
            f"modelway register {package.folder.name} --group {NAME} --image {self.spec['image']}"
            f" --key trusted.pem --create-group --bucket {BUCKET}"
        )

    def attest(self) -> None:
        """Put SBOM and provenance beside the image, as a pipeline does that has built it."""
        image = self.spec["image"]
        self.shell(
            f"modelway image sbom {image} --push;"
            f"modelway image provenance {image} --builder {BUILDER} --key release-key.pem"
            " --out provenance.json --push"
        )

    def release(
        self, package: Package, *evidence: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Release what is approved in dev, with the package's evidence and more."""
        own = ("tests=junit.xml", f"parity={package.folder.name}/evidence/parity.json")
        return self.shell(
            f"modelway release {NAME} --stack dev{_options(*own, *evidence)}", check=check
        )

    def approve_and_release(
        self, version: dict[str, Any], package: Package, *evidence: str
    ) -> None:
        """Approve a version, release it in dev, and deploy it."""
        self.shell(f"modelway approve {version['version']} --description 'seen and good'")
        self.release(package, *evidence)
        self.on("dev").up()

    def rehearse(self, package: Package) -> str:
        """Rehearse a package's rollout beside the version before it, once; gives the report."""
        before, out = self.packages[0], f"rehearsal-{package.version}"
        report = f"{out}/report.json"
        if (self.directory / report).exists():
            return report
        change = {"model": {"path": package.folder.name}} if package is not before else {}
        scenario = {
            "name": out,
            "spec": {
                "name": NAME,
                "model": {"path": before.folder.name},
                "rollout": {"timeout_seconds": 1800},
            },
            "change": {
                "set": change or {"serving": {"instance_type": "ml.m5.xlarge"}},
                "expect": {"outcome": "promoted", "exit_status": "zero"},
            },
            "expect": {"client_errors": "none", "next_up_changes_nothing": True},
        }
        (self.directory / f"{out}.yaml").write_text(yaml.safe_dump(scenario))
        self.shell(f"modelway rehearse {out}.yaml --out {out}")
        return report

    def promote(self, source: str, target: str, *evidence: str) -> None:
        """Promote what the source has, and deploy it."""
        self.shell(f"modelway promote {NAME} --from {source} --to {target}{_options(*evidence)}")
        self.on(target).up()

    def refused_promotion(self, source: str, target: str, *evidence: str) -> Refused:
        """Promote what the source has, which must be refused and write nothing."""
        files = self.files()
        done = self.shell(
            f"modelway promote {NAME} --from {source} --to {target}{_options(*evidence)} --json",
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        assert self.files() == files
        printed = json.loads(done.stdout)
        assert printed["recorded"] is None
        failed = {rule["name"]: rule["found"] for rule in printed["rules"] if not rule["passed"]}
        return Refused(failed, done.stderr)


def _options(*evidence: str) -> str:
    return "".join(f" --evidence {each}" for each in evidence)
