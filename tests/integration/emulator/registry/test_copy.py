"""`modelway image` and `modelway copy`: what lies beside an image, and all of it elsewhere.

Two accounts of one emulator: the profile `staging` has its own keys, `prod` those of a role that
was assumed in account 222222222222.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelway.errors import ImageError
from modelway.image.copy import Place, copy_image
from modelway.image.reference import ImageReference, tag_of
from modelway.image.registry import RegistryClient
from modelway.testing import child_environment

pytestmark = pytest.mark.integration

STAGING, PROD = "123456789012", "222222222222"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SBOM = "application/vnd.cyclonedx+json"
PROVENANCE = "application/vnd.in-toto+json"
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
LAYER = b"layer" * 1_000_000
ARTIFACT = b"model" * 4_000_000
DIGEST = f"sha256:{hashlib.sha256(ARTIFACT).hexdigest()}"


def address(account, name):
    return f"{account}.dkr.ecr.us-east-1.amazonaws.com/{name}"


@pytest.fixture(scope="module")
def prod(emulator, registry_of, prod_keys):
    return registry_of(emulator, **prod_keys)


@pytest.fixture(scope="module")
def modelway(emulator, prod_keys, tmp_path_factory):
    """Run the command with both profiles; gives what it printed, and its exit status."""
    folder = tmp_path_factory.mktemp("profiles")
    staging = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    text = ""
    for name, keys in (("staging", staging), ("prod", prod_keys)):
        given = {"region": "us-east-1", "endpoint_url": emulator.url, **keys}
        text += f"[profile {name}]\n" + "".join(f"{key} = {given[key]}\n" for key in given)
    (folder / "config").write_text(text)
    environment = child_environment({"AWS_CONFIG_FILE": str(folder / "config")})
    command = str(Path(sys.executable).with_name("modelway"))

    def run(*arguments):
        done = subprocess.run(
            [command, *arguments],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return SimpleNamespace(status=done.returncode, said=done.stderr, printed=done.stdout)

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def image(registry, emulator, client_of):
    """An index with one image in it, in staging; gives digest and bytes."""
    client_of(emulator, "ecr").create_repository(repositoryName="models")
    only = registry.image("models", LAYER)
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{"mediaType": MANIFEST, "digest": only, "size": 1}],
    }
    content = json.dumps(index).encode()
    registry.put("models", "1", content, INDEX)
    return f"sha256:{hashlib.sha256(content).hexdigest()}", content


@pytest.fixture(scope="module")
def signed(modelway, image):
    """SBOM and provenance beside the image."""
    subprocess.run(
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
        shell=True,
        check=True,
        capture_output=True,
        cwd=modelway.folder,
    )
    name = f"{address(STAGING, 'models')}@{image[0]}"
    beside = ["--push", "--profile", "staging"]
    made = [
        modelway("image", "sbom", name, "--out", "sbom.json", *beside),
        modelway("image", "provenance", name, "--builder=https://ci", "--key=key.pem", *beside),
    ]
    assert [each.status for each in made] == [0, 0], made
    return name


@pytest.fixture(scope="module")
def copied(modelway, signed, emulator, client_of, prod_keys):
    client_of(emulator, "ecr", **prod_keys).create_repository(
        repositoryName="team/models", imageTagMutability="IMMUTABLE"
    )
    target = address(PROD, "team/models")
    profiles = ["--from-profile", "staging", "--to-profile", "prod", "--json"]
    done = [modelway("copy", signed, target, *profiles) for _ in range(2)]
    assert [each.status for each in done] == [0, 0], done
    return [json.loads(each.printed) for each in done]


def test_sbom_and_provenance_lie_beside_the_image(signed, registry, image, modelway):
    listed = registry("GET", f"models/referrers/{image[0]}").json()["manifests"]

    kinds = {each["artifactType"]: each["digest"] for each in listed}
    assert set(kinds) == {SBOM, PROVENANCE}
    manifest = registry("GET", f"models/manifests/{kinds[SBOM]}").json()
    blob = registry("GET", f"models/blobs/{manifest['layers'][0]['digest']}").content
    assert blob == (modelway.folder / "sbom.json").read_bytes()
    assert json.loads(blob)["metadata"]["component"]["version"] == image[0]
    assert set(registry("GET", "models/tags/list").json()["tags"]) == {
        "1",
        *(tag_of(digest) for digest in kinds.values()),
    }


def test_an_image_is_copied_with_everything_that_belongs_to_it(copied, prod, registry, image):
    digest, content = image
    first = copied[0]

    assert first["image"] == f"{address(PROD, 'team/models')}@{digest}"
    assert (first["manifests_copied"], first["blobs_copied"]) == (4, 5)
    assert prod("GET", f"team/models/manifests/{digest}").content == content
    listed = prod("GET", f"team/models/referrers/{digest}").json()
    assert listed == registry("GET", f"models/referrers/{digest}").json()
    layer = f"sha256:{hashlib.sha256(LAYER).hexdigest()}"
    assert prod("GET", f"team/models/blobs/{layer}").content == LAYER
    assert tag_of(digest) in prod("GET", "team/models/tags/list").json()["tags"]


def test_what_is_there_is_not_copied_again(copied):
    assert copied[1] == copied[0] | {
        "manifests_copied": 0,
        "blobs_copied": 0,
        "bytes_copied": 0,
        "skipped": 10,
    }


def test_a_copy_that_was_interrupted_goes_on_where_it_was(
    registry, prod, image, emulator, client_of, prod_keys
):
    client_of(emulator, "ecr", **prod_keys).create_repository(repositoryName="again")
    source = Place(client_for(registry), "models")
    target = Place(client_for(prod), "again")

    def give_up(_what, done, total):
        if done > total // 2 and total == len(LAYER):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_image(source, target, image[0], give_up)
    layer, config = (f"sha256:{hashlib.sha256(each).hexdigest()}" for each in (LAYER, CONFIG))
    assert target.registry.has_blob("again", config)
    assert not target.registry.has_blob("again", layer)
    assert target.registry.manifest("again", image[0]) is None
    moved = []

    copy_image(source, target, image[0], lambda what, *_: moved.append(what))

    assert layer in moved
    assert config not in moved
    assert prod("GET", f"again/blobs/{layer}").content == LAYER


def test_a_source_that_gives_other_bytes_is_not_believed(
    registry, prod, emulator, client_of, prod_keys, image
):
    client_of(emulator, "ecr", **prod_keys).create_repository(repositoryName="refused")
    source, target = Place(client_for(registry), "models"), Place(client_for(prod), "refused")
    read = source.registry.read_blob
    source.registry.read_blob = lambda name, digest: (
        chunk.replace(b"layer", b"lAyer") for chunk in read(name, digest)
    )

    with pytest.raises(ImageError, match="DIGEST_INVALID"):
        copy_image(source, target, image[0], lambda *_: None)

    assert target.registry.manifest("refused", image[0]) is None


def test_an_image_that_is_not_there_is_named(modelway, copied):
    absent = f"{address(STAGING, 'models')}@sha256:{'1' * 64}"

    profiles = ["--from-profile", "staging", "--to-profile", "prod"]
    done = modelway("copy", absent, address(PROD, "models"), *profiles)

    assert done.status == 1
    assert f"copying models@sha256:{'1' * 64}: there is no such image" in done.said


@pytest.fixture(scope="module")
def buckets(emulator, client_of, prod_keys):
    """The artifact in a bucket of staging, and an empty bucket of prod; gives prod's client."""
    staging, target = client_of(emulator, "s3"), client_of(emulator, "s3", **prod_keys)
    staging.create_bucket(Bucket="staging-models")
    staging.put_object(Bucket="staging-models", Key="fraud/model.tar.gz", Body=ARTIFACT)
    target.create_bucket(Bucket="prod-models")
    return target


def copy_artifact(modelway, target, digest):
    profiles = ["--from-profile", "staging", "--to-profile", "prod", "--json"]
    source = "s3://staging-models/fraud/model.tar.gz"
    return modelway("copy", source, target, "--digest", digest, *profiles)


def test_an_artifact_is_copied_and_verified(modelway, buckets):
    done = [copy_artifact(modelway, "s3://prod-models", DIGEST) for _ in range(2)]

    assert [json.loads(each.printed) for each in done] == [
        {
            "artifact": "s3://prod-models/fraud/model.tar.gz",
            "digest": DIGEST,
            "bytes": 20_000_000,
            "skipped": skipped,
        }
        for skipped in (False, True)
    ]
    there = buckets.get_object(Bucket="prod-models", Key="fraud/model.tar.gz")
    assert there["Body"].read() == ARTIFACT


def test_an_artifact_with_another_digest_never_appears(modelway, buckets):
    done = copy_artifact(modelway, "s3://prod-models/other.tar.gz", f"sha256:{'1' * 64}")

    assert done.status == 1
    assert f"its digest is {DIGEST}, not sha256:{'1' * 64}" in done.said
    listed = buckets.list_objects_v2(Bucket="prod-models").get("Contents", [])
    assert "other.tar.gz" not in [each["Key"] for each in listed]


def client_for(registry):
    header = registry._http.headers["Authorization"]
    return RegistryClient(registry.url, lambda: header)


def test_a_reference_keeps_its_parts():
    given = ImageReference("host", STAGING, "us-east-1", "a/b", f"sha256:{'1' * 64}")

    assert str(given) == f"host/a/b@sha256:{'1' * 64}"
