"""Measure the model server's image: its size, and how soon a container answers.

Builds the Dockerfile with the Docker that is there, starts containers as SageMaker does, and asks
the demo's kind of model until the first right answer. Prints a table; asserts nothing. Needs a
Docker daemon; without one it says so. `.ci/docker start` prints the variables that are read here.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from modelway.image.context import serving_image_directory

RUNS = 5
TAG = "modelway-bench:image"
CLIENT = os.environ.get("DOCKER_TEST_CLIENT") or shutil.which("docker")
PAUSE_SECONDS = 0.01
PATIENCE_SECONDS = 60.0


def main() -> None:
    """Print sizes and times."""
    if not reached():
        print("the image is not measured: no Docker daemon can be reached", file=sys.stderr)  # noqa: T201 - talk
        return
    base = build()
    mb = int(docker("image", "inspect", "--format", "{{.Size}}", TAG)) / 1e6
    base_mb = int(docker("image", "inspect", "--format", "{{.Size}}", base)) / 1e6 if base else None
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - the container's user is another one
        row = write_model(Path(folder, "model.onnx"))
        seconds = [first_answer(folder, row) for _ in range(RUNS)]
    print("| the model server's image, CPU | |\n|---|---|")  # noqa: T201 - the result
    print(f"| size, compressed as a registry keeps it | {compressed() / 1e6:.0f} MB |")  # noqa: T201 - the result
    of_base = "" if base_mb is None else f", {base_mb:.0f} MB of it the base image {base}"
    print(f"| size, unpacked | {mb:.0f} MB{of_base} |")  # noqa: T201 - the result
    told = f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
    print(f"| from `docker run` to the first right prediction | {told} |")  # noqa: T201 - the result


def reached() -> bool:
    """Tell whether there is a daemon."""
    if CLIENT is None:
        return False
    return subprocess.run([CLIENT, "info"], capture_output=True, check=False).returncode == 0


def build() -> str | None:
    """Build the image, and give the base image where it is not the Dockerfile's own."""
    base, bundle = (os.environ.get(f"DOCKER_TEST_{name}") for name in ("BASE_IMAGE", "CA_BUNDLE"))
    arguments = ["build", "--network=host", "--tag", TAG]
    arguments += ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    arguments += ["--secret", f"id=ca,src={bundle}"] if bundle else []
    docker(*arguments, str(serving_image_directory()))
    return base


def compressed() -> int:
    """Give the bytes of the image's archive at gzip's usual level, about what ECR counts."""
    assert CLIENT is not None  # asked for by `main`
    packed = zlib.compressobj()
    with subprocess.Popen([CLIENT, "save", TAG], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None  # a pipe, as asked for
        size = sum(
            len(packed.compress(part)) for part in iter(lambda: saving.stdout.read(1 << 20), b"")
        )
    if saving.returncode != 0:
        sys.exit(f"docker save: exit status {saving.returncode}")
    return size + len(packed.flush())


def write_model(path: Path) -> list[float]:
    """Write a classifier of digits, and give a row whose label is 0."""
    digits = load_digits()
    classifier = LogisticRegression(C=1e-3, max_iter=500).fit(digits.data, digits.target)
    inputs = [("pixels", FloatTensorType([None, 64]))]
    model = to_onnx(classifier, initial_types=inputs, options={"zipmap": False}, target_opset=17)
    path.write_bytes(model.SerializeToString())
    return np.asarray(digits.data[0], np.float64).tolist()


def first_answer(folder: str, row: list[float]) -> float:
    """Give the seconds from `docker run` to the first right prediction."""
    begun = time.perf_counter()
    volume = f"--volume={folder}:/opt/ml/model:ro"
    container = docker("run", "--detach", "--publish=127.0.0.1::8080", volume, TAG, "serve")
    try:
        port = docker("port", container, "8080/tcp").rsplit(":", 1)[1]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations",
            json.dumps({"instances": [row]}).encode(),
            {"Content-Type": "application/json"},
        )
        while time.perf_counter() - begun < PATIENCE_SECONDS:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    said = json.loads(answer.read())
            except OSError:
                time.sleep(PAUSE_SECONDS)
                continue
            if said["predictions"][0]["label"] != 0:
                sys.exit(f"a wrong prediction: {said}")
            return time.perf_counter() - begun
        sys.exit(f"no answer within {PATIENCE_SECONDS:.0f} s: {docker('logs', container)}")
    finally:
        docker("rm", "--force", container)


def docker(*arguments: str) -> str:
    """Run a command of Docker's, and give what it prints."""
    assert CLIENT is not None  # asked for by `main`
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    done = subprocess.run(
        [CLIENT, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"docker {arguments[0]}: {done.stderr[-2000:]}")
    return done.stdout.strip()


if __name__ == "__main__":
    main()
