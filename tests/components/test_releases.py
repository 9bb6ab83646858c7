"""A stack with release records deploys the newest and refuses everything else, at preview."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from modelway.deployment import ModelDeployment
from modelway.errors import PromotionError
from modelway.image.provenance import Build, sign_provenance
from modelway.plan import Artifact, plan_deployment
from modelway.promotion.ledger import append, keep_evidence, read_ledger
from modelway.promotion.record import ReleaseRecord, Return, Tools, canonical
from modelway.promotion.release import Approval, of_spec, rollback_digest
from modelway.promotion.signing import sign, trusted_keys
from modelway.promotion.subject import subject_of
from modelway.wiring import PlatformWiring

ENDPOINT = "pulumi-python:dynamic/modelway:Endpoint"
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/fraud"
IMAGE, OTHER_IMAGE = (f"{REPOSITORY}@sha256:{letter * 64}" for letter in "ab")
SHARED = PlatformWiring(
    bucket_name="shared",
    repository_url=REPOSITORY,
    kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/shared",
    alarm_topic_arn="arn:aws:sns:us-east-1:123456789012:shared",
)
WHEN = datetime(2026, 11, 28, 10, tzinfo=UTC)
EARLIER = {
    "models": {
        "primary": {
            "image": OTHER_IMAGE,
            "model_data_url": f"s3://shared/models/fraud/{'2' * 64}/model.tar.gz",
            "execution_role_arn": "arn:aws:iam::123456789012:role/fraud-prod-execution",
            "enable_network_isolation": True,
        }
    },
    "variants": [],
}
ROLLBACK = {
    "endpoint": "fraud-prod",
    "back_to": "fraud-prod-1",
    "instead_of": "fraud-prod-2",
    "content": EARLIER,
    "written_at": "2026-11-28T10:00:00+00:00",
}


@pytest.fixture
def key(tmp_path):
    """A key that is trusted as `ci`."""
    key = ec.generate_private_key(ec.SECP256R1())
    folder = tmp_path / "releases" / "keys"
    folder.mkdir(parents=True)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "ci.pem").write_bytes(pem)
    return key


@pytest.fixture
def record(tmp_path, spec, key):
    """Write the next record of stack `prod`, of a spec with these parts; give its path."""
    releases = tmp_path / "releases"

    def write(changes=None, built=None, **parts):
        made = spec(**{"image": IMAGE, **parts})
        artifact = Artifact(digest="sha256:" + "1" * 64, size_bytes=7)
        subject = subject_of(made, plan_deployment(made, "prod", artifact))
        ledger = read_ledger(releases, "prod", "fraud", trusted_keys(releases / "keys"))
        tools = Tools(modelway="0.1.0", pulumi="3.272.0", server="0.1.0")
        approval = Approval("ada@example.com", WHEN, tools)
        plain = of_spec(ledger, {"prod": subject}, [], approval, built)
        next_one = ReleaseRecord.model_validate(plain.model_dump() | (changes or {}))
        return append(ledger, next_one, sign(canonical(next_one), key))

    return write


@pytest.fixture
def deploy(declare, spec, tmp_path):
    def run(stack="prod", rollback=None, **parts):
        made = spec(**{"image": IMAGE, **parts})
        releases = tmp_path / "releases"
        return declare(
            lambda: ModelDeployment(
                "fraud", spec=made, platform=SHARED, rollback=rollback, releases=releases
            ),
            stack,
        )

    return run


@pytest.fixture
def said(monkeypatch):
    """What programs say."""
    lines = []
    monkeypatch.setattr("pulumi.log.info", lambda text, *_args, **_kwargs: lines.append(text))
    return lines


def test_a_stack_without_records_deploys_the_spec_and_says_so(deploy, said):
    program = deploy("dev")

    assert program.one(ENDPOINT).inputs["models"]["primary"]["image"] == IMAGE
    assert said == ["fraud in dev: no release records, the spec is deployed as is"]


def test_a_stack_deploys_its_record_and_says_which(deploy, record, said):
    path = record()

    program = deploy()

    assert program.one(ENDPOINT).inputs["models"]["primary"]["image"] == IMAGE
    assert said == [f"fraud in prod: release {path.stem}, approved by ada@example.com"]


def test_a_recorded_image_is_taken_from_the_platforms_repository_and_not_built(deploy, record):
    record(built=f"sha256:{'b' * 64}", image={"builder": "codebuild"})

    program = deploy(image={"builder": "codebuild"})

    assert program.one(ENDPOINT).inputs["models"]["primary"]["image"] == OTHER_IMAGE
    assert program.all("aws:codebuild/project:Project") == []
    assert program.all("pulumi-python:dynamic/modelway:CodeBuildImage") == []


def test_records_of_one_stack_do_not_bind_another(deploy, record, said):
    record()

    deploy("dev", image=OTHER_IMAGE)

    assert said == ["fraud in dev: no release records, the spec is deployed as is"]


def refusal(deploy, **given):
    with pytest.raises(PromotionError) as failure:
        deploy(**given)
    return str(failure.value)


def test_another_image_is_refused_with_what_differs_and_the_way_out(deploy, record):
    path = record()

    message = refusal(deploy, image=OTHER_IMAGE)

    assert message.startswith(
        f"deploying fraud in prod: release {path.stem} says what this stack deploys, and this is "
        "something else:\n"
        f"  image: the record says sha256:{'a' * 64}, here it is sha256:{'b' * 64}\n"
        "  spec: the record says sha256:"
    )
    assert f"Deploy from the commit of {path.name}, or release this spec where" in message


def test_another_repository_with_the_same_image_is_another_plan(deploy, record):
    record()

    message = refusal(deploy, image=IMAGE.replace("/fraud@", "/copy@"))

    assert "image: " not in message
    assert "plans.prod: the record says" in message


def test_another_model_file_is_refused(deploy, record, monkeypatch):
    record()
    monkeypatch.setattr(
        "modelway.registry.reader.read_artifact",
        lambda _model: Artifact(digest="sha256:" + "2" * 64, size_bytes=7),
    )

    message = refusal(deploy)

    assert f"models.primary: the record says sha256:{'1' * 64}, here it is sha256:{'2' * 64}" in (
        message
    )
    assert "spec: " not in message


def test_another_size_is_another_spec_and_another_plan(deploy, record):
    record()

    message = refusal(deploy, scaling={"min_instances": 2})

    assert "image: " not in message
    assert "models" not in message
    assert "spec: the record says" in message
    assert "plans.prod: the record says" in message


def test_nothing_is_declared_when_a_release_is_refused(declare, spec, record, tmp_path):
    record()
    seen = []

    def build():
        ModelDeployment(
            "fraud",
            spec=spec(image=OTHER_IMAGE),
            platform=SHARED,
            releases=tmp_path / "releases",
        )

    with pytest.raises(PromotionError):
        seen.append(declare(build, "prod"))

    assert seen == []


def test_only_the_newest_record_counts(deploy, record):
    record()
    record(scaling={"min_instances": 2})

    assert deploy(scaling={"min_instances": 2}).one(ENDPOINT) is not None
    assert "spec: the record says" in refusal(deploy)


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (
            lambda path: path.write_text(path.read_text().replace("ada@", "eve@")),
            "was edited: its digest begins with",
        ),
        (lambda path: path.unlink(), "signs a record that is not there"),
        (lambda path: path.with_suffix(".dsse.json").unlink(), "is not signed"),
    ],
)
def test_tampered_records_are_refused_with_the_file(deploy, record, tamper, message):
    path = record()
    tamper(path)

    told = refusal(deploy)

    assert message in told
    assert str(path.with_suffix("")) in told
    assert "Restore them with `git checkout -- " in told


def test_a_record_that_was_taken_out_of_the_middle_is_noticed(deploy, record):
    record()
    middle = record(scaling={"min_instances": 2})
    record()
    middle.unlink()
    middle.with_suffix(".dsse.json").unlink()

    assert "comes after number 2, which is not there" in refusal(deploy)


def test_a_key_that_is_not_in_the_repository_signs_nothing(deploy, record, tmp_path):
    record()
    (tmp_path / "releases" / "keys" / "ci.pem").unlink()

    assert "no trusted key signed it (trusted: none" in refusal(deploy)


def policy(tmp_path, text):
    (tmp_path / "releases").mkdir(exist_ok=True)
    (tmp_path / "releases" / "policy.yaml").write_text(text)


def test_the_policy_says_whose_signature_a_stack_takes(deploy, record, tmp_path):
    path = record()
    policy(tmp_path, "stacks: {prod: {signers: [lead]}}")

    assert refusal(deploy) == (
        f"deploying release {path.stem} of fraud: it is signed by ci, and the policy of prod "
        "allows lead."
    )


def test_a_stack_that_takes_releases_from_another_deploys_no_spec_directly(deploy, tmp_path):
    policy(tmp_path, "stacks: {prod: {promote_from: staging}}")

    assert "Run `modelway promote fraud --from staging --to prod`." in refusal(deploy)
    assert deploy("dev").one(ENDPOINT) is not None


def going_back(record, content=None):
    first = record()
    digests = {"image": f"sha256:{'b' * 64}", "models": {"primary": f"sha256:{'2' * 64}"}}
    whole = ReleaseRecord.model_validate_json(first.read_text())
    digest = rollback_digest(ROLLBACK) if content is None else content
    return record({**digests, "rollback": Return(to=whole.id, content=digest)}), whole


def test_a_record_that_goes_back_deploys_what_the_rollback_file_says(deploy, record, said):
    path, first = going_back(record)

    inputs = deploy(rollback=ROLLBACK).one(ENDPOINT).inputs

    assert inputs["rollback"] == {"content": EARLIER}
    back_to = first.file_name.removesuffix(".json")
    (line,) = said
    assert line.startswith(f"fraud in prod: release {path.stem}, approved by ada@example.com")
    assert line.endswith(f", goes back to {back_to}")


def test_a_rollback_file_that_was_edited_is_refused(deploy, record):
    going_back(record)
    edited = ROLLBACK | {"content": EARLIER | {"variants": [{"name": "primary"}]}}

    assert "the file of the rollback was edited" in refusal(deploy, rollback=edited)


def test_a_rollback_file_that_is_missing_is_refused(deploy, record):
    going_back(record)

    assert "the file of the rollback was not handed over" in refusal(deploy)


def test_a_record_that_goes_back_still_binds_the_spec(deploy, record):
    going_back(record)

    message = refusal(deploy, rollback=ROLLBACK, scaling={"min_instances": 2})

    assert "spec: the record says" in message


def test_a_rollback_file_counts_for_nothing_once_a_newer_record_is_there(deploy, record):
    going_back(record)
    record()

    assert "rollback" not in deploy(rollback=ROLLBACK).one(ENDPOINT).inputs


def test_without_records_a_rollback_is_bound_to_what_it_goes_back_from(deploy):
    inputs = deploy("dev", rollback=ROLLBACK).one(ENDPOINT).inputs

    assert inputs["rollback"]["instead_of"] == "fraud-prod-2"


@pytest.fixture
def provenance(tmp_path, key, record):
    """Record a release with the provenance of an image; gives the file that is kept of it.

    The policy of `prod` asks for it, and allows one builder.
    """

    def write(image="a" * 64, signer=None, builder="https://ci.example.com"):
        policy = "{stacks: {prod: {evidence: [provenance], builders: ['https://ci.example.com']}}}"
        (tmp_path / "releases" / "policy.yaml").write_text(policy)
        build = Build(f"sha256:{image}", "1" * 64, "python:3.11", builder)
        envelope = sign_provenance(build, signer or key)
        kept = keep_evidence(tmp_path / "releases", envelope, ".json")
        named = {"kind": "provenance", "sha256": f"sha256:{kept.stem}", "outcome": "passed"}
        record({"evidence": [named]})
        return kept

    return write


def test_an_image_with_the_provenance_that_the_policy_asks_for_is_deployed(deploy, provenance):
    provenance()

    assert deploy().one(ENDPOINT).inputs["models"]["primary"]["image"] == IMAGE


def test_without_provenance_a_stack_that_asks_for_it_deploys_nothing(deploy, provenance, record):
    provenance()
    record({"evidence": []})

    assert f"the image sha256:{'a' * 64} has no provenance; make it with" in refusal(deploy)


def test_a_provenance_whose_file_was_changed_or_is_gone_is_refused(deploy, provenance):
    kept = provenance()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)

    assert f"{kept} was changed; restore it from git" in refusal(deploy)
    kept.unlink()
    assert f"{kept}: No such file or directory; restore it from git" in refusal(deploy)


def test_a_provenance_of_another_image_key_or_builder_is_refused(deploy, provenance):
    provenance(image="b" * 64)
    assert f"it speaks of sha256:{'b' * 64}" in refusal(deploy)

    provenance(signer=ec.generate_private_key(ec.SECP256R1()))
    assert "no trusted key signed it, or it was changed afterwards (trusted: ci;" in refusal(deploy)

    provenance(builder="https://elsewhere.example.com")
    assert (
        "it was built by https://elsewhere.example.com; the policy allows https://ci.example.com"
    ) in refusal(deploy)
