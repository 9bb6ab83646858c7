"""One program with the stacks dev, staging and prod on one emulator, and a model's way through.

The way is walked once, step after step, each a module fixture that asks for the one before it and
gives what was seen then. So the tests, which only look at that, can run in any order.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import numpy as np
import pytest
import requests
import yaml

from modelway.emulator.process import RunningEmulator, start
from modelway.image.context import content_hash
from modelway.image.manifest import MANIFEST_TYPE, StandInManifest
from promotion_program import (
    APPROVER,
    BUCKET,
    BUILDER,
    NAME,
    PROVENANCE,
    ROWS,
    STACKS,
    Answers,
    Back,
    Program,
    Refused,
    Seen,
    Step,
    Waiting,
)

ALARM = f"{NAME}-dev-too-few-flowers"
POLICY = {
    "stacks": {
        "staging": {"promote_from": "dev", "evidence": ["rehearsal"]},
        "prod": {
            "promote_from": "staging",
            "evidence": ["tests", "parity", "provenance"],
            "builders": [BUILDER],
            "approvers": [APPROVER],
            "signers": ["ci"],
            "bake_seconds": 60,
            "scan": {"highest_severity": "medium"},
        },
    }
}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """An emulator of its own: what stands at the end goes with it, with no `destroy` of prod."""
    running = start(port=0, time_scale=60.0, state=tmp_path_factory.mktemp("emulator"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(emulator: RunningEmulator) -> Any:
    """Make boto3 clients of the emulator."""

    def make(service: str) -> Any:
        return boto3.session.Session().client(
            service, endpoint_url=emulator.url, region_name="us-east-1"
        )

    return make


@pytest.fixture(scope="module")
def image(client: Any) -> str:
    """The server's image, pushed once to a registry that all stacks take it from."""
    ecr = client("ecr")
    repository = ecr.create_repository(repositoryName="models")["repository"]
    made = StandInManifest(content_hash())
    for blob in made.blobs:
        upload = ecr.initiate_layer_upload(repositoryName="models")["uploadId"]
        ecr.upload_layer_part(
            repositoryName="models",
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(blob) - 1,
            layerPartBlob=blob,
        )
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        ecr.complete_layer_upload(repositoryName="models", uploadId=upload, layerDigests=[digest])
    ecr.put_image(
        repositoryName="models",
        imageManifest=made.manifest,
        imageManifestMediaType=MANIFEST_TYPE,
        imageTag="1",
    )
    return f"{repository['repositoryUri']}@{made.digest}"


@pytest.fixture(scope="module")
def program(
    emulator: RunningEmulator, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """The program with keys, policy and a spec without a model."""
    made = Program(emulator, tmp_path_factory.mktemp("promotion"))
    releases = made.stacks / "releases"
    (releases / "keys").mkdir(parents=True)
    (releases / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    generate = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out"
    made.shell(
        f"{generate} signing.pem; openssl pkey -in signing.pem -pubout -out trusted.pem;"
        f"{generate} release-key.pem;"
        "openssl pkey -in release-key.pem -pubout -out stacks/releases/keys/ci.pem"
    )
    (made.directory / "junit.xml").write_text('<testsuite tests="1" failures="0" errors="0"/>')
    trusted = (made.directory / "trusted.pem").read_text()
    made.write(
        image=image,
        serving={"environment": {"MODEL_SERVER_TRUSTED_KEYS": trusted}},
        environments={
            "dev": {},
            "staging": {"serving": {"instance_type": "ml.m5.xlarge"}},
            "prod": {"serving": {"instance_type": "ml.c5.xlarge"}},
        },
    )
    return made


@pytest.fixture(scope="module")
def look(program: Program, client: Any) -> Any:
    """Give what a stack does now, told by AWS and by its records."""

    def answers(endpoint: str) -> Answers:
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint,
            ContentType="application/json",
            Body=json.dumps({"instances": ROWS.tolist()}),
        )
        rows = json.loads(answer["Body"].read())["predictions"]
        probabilities = np.array([row["probabilities"] for row in rows], dtype=np.float32)
        return [row["label"] for row in rows], probabilities

    def lines(endpoint: str) -> list[dict[str, Any]]:
        logs, group = client("logs"), f"/aws/sagemaker/Endpoints/{endpoint}"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        names = [stream["logStreamName"] for stream in streams]
        events = [
            event
            for name in names
            for event in logs.get_log_events(logGroupName=group, logStreamName=name)["events"]
        ]
        told = [json.loads(event["message"]) for event in events]
        return sorted(told, key=lambda line: line["time"])

    def see(stack: str) -> Seen:
        sagemaker, name = client("sagemaker"), f"{NAME}-{stack}"
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
        assert endpoint["EndpointStatus"] == "InService"
        config_name = endpoint["EndpointConfigName"]
        config = sagemaker.describe_endpoint_config(EndpointConfigName=config_name)
        (variant,) = config["ProductionVariants"]
        container = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
        bucket, key = container["ModelDataUrl"].removeprefix("s3://").split("/", 1)
        archive = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return Seen(
            answers=answers(name),
            instance_type=variant["InstanceType"],
            image=container["Image"],
            environment=container["Environment"],
            archive_key=key,
            archive_sha256=hashlib.sha256(archive).hexdigest(),
            loaded=[line for line in lines(name) if line["event"] == "model_ready"],
            records=program.on(stack).records(),
        )

    return see


@pytest.fixture(scope="module")
def pushed(client: Any) -> Any:
    """Give every image of every repository, by repository and digest, with the time of its push."""

    def images() -> list[tuple[str, str, Any]]:
        ecr = client("ecr")
        names = [each["repositoryName"] for each in ecr.describe_repositories()["repositories"]]
        return [
            (name, image["imageDigest"], image["imagePushedAt"])
            for name in names
            for image in ecr.describe_images(repositoryName=name)["imageDetails"]
        ]

    return images


@pytest.fixture(scope="module")
def scan(emulator: RunningEmulator, image: str) -> Any:
    """Say what a scan of the image has found."""

    def find(*findings: tuple[str, str]) -> None:
        told = {
            "repository": "models",
            "digest": image.partition("@")[2],
            "findings": [{"name": name, "severity": severity} for name, severity in findings],
        }
        session = requests.Session()
        session.trust_env = False
        session.post(f"{emulator.url}/_modelway/scans", json=told, timeout=30).raise_for_status()

    return find


@pytest.fixture(scope="module")
def waiting(program: Program, client: Any) -> Waiting:
    """Version 1 is trained and registered, twice, and not approved; gives what was said."""
    client("s3").create_bucket(Bucket=BUCKET)
    package = program.train("1", 1.0)
    version, again = program.register(package), program.register(package)
    refused = program.release(package, check=False)
    assert refused.returncode == 1
    preview = program.on("dev").refused_preview()
    return Waiting(package, version, again, refused.stderr, preview, program.files())


@pytest.fixture(scope="module")
def unproven(waiting: Waiting, program: Program) -> Refused:
    """Version 1 is approved, rehearsed, goes to staging, and on while nobody proved its image."""
    package = waiting.package
    program.approve_and_release(waiting.version, package)
    program.promote("dev", "staging", f"rehearsal={program.rehearse(package)}")
    return program.refused_promotion("staging", "prod")


@pytest.fixture(scope="module")
def vulnerable(unproven: Refused, program: Program, scan: Any) -> Refused:
    """Its image is attested and scanned, and the scan has found too much."""
    program.attest()
    scan(("CVE-2026-1", "HIGH"), ("CVE-2026-2", "LOW"))
    return program.refused_promotion("staging", "prod", PROVENANCE)


@pytest.fixture(scope="module")
def first(
    waiting: Waiting, vulnerable: Refused, program: Program, scan: Any, look: Any, pushed: Any
) -> Step:
    """The next scan finds less, and version 1 goes to prod."""
    scan(("CVE-2026-2", "LOW"))
    program.promote("staging", "prod", PROVENANCE)
    return Step(waiting.package, {stack: look(stack) for stack in STACKS}, pushed())


@pytest.fixture(scope="module")
def another_up(first: Step, program: Program) -> list[str]:
    """Every stack is brought up again; gives what the engine said."""
    return [program.on(stack).up().stdout for stack in STACKS]


@pytest.fixture(scope="module")
def refused(another_up: list[str], program: Program, image: str) -> dict[str, str]:
    """Something is changed by hand and prod is previewed; gives what was said."""
    prod = program.on("prod")
    (record,) = prod.record_files()
    (envelope,) = [
        path
        for path in (prod.stacks / "releases" / "evidence").iterdir()
        if path.read_bytes() == (prod.directory / "provenance.json").read_bytes()
    ]
    changes = {
        "spec": (program.file, "ml.c5.xlarge", "ml.c5.2xlarge"),
        "image": (program.file, image.partition("@")[2], f"sha256:{'9' * 64}"),
        "record": (record, APPROVER, "nobody@example.com"),
        "provenance": (envelope, '"sig"', '"sig" '),
    }
    said = {}
    for what, (file, old, new) in changes.items():
        with program.edited(file, old, new):
            said[what] = prod.refused_preview()
    return said


@pytest.fixture(scope="module")
def alarm(refused: dict[str, str], program: Program, client: Any) -> Refused:
    """Version 2 is in dev, an alarm of dev fires, and somebody promotes; gives what was said."""
    package = program.train("2", 0.01)
    program.approve_and_release(program.register(package), package, PROVENANCE)
    rehearsal = program.rehearse(package)
    cloudwatch = client("cloudwatch")
    # The state that SetAlarmState gives would be gone with the next evaluation, a second later.
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="Garden",
        MetricName="Flowers",
        Dimensions=[{"Name": "EndpointName", "Value": f"{NAME}-dev"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )
    state = ""
    while state != "ALARM":
        time.sleep(0.1)
        state = cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]["StateValue"]
    refusal = program.refused_promotion("dev", "staging", f"rehearsal={rehearsal}")
    cloudwatch.delete_alarms(AlarmNames=[ALARM])
    return refusal


@pytest.fixture(scope="module")
def pinned(alarm: Refused, program: Program) -> str:
    """Prod is previewed while its record names version 1, and version 2 is approved."""
    prod = program.on("prod")
    prod.select()
    return prod.run("preview").stdout


@pytest.fixture(scope="module")
def listed(pinned: str, program: Program) -> list[dict[str, Any]]:
    """The versions of the registry."""
    return program.json(f"modelway registry {NAME}")["versions"]


@pytest.fixture(scope="module")
def second(listed: list[dict[str, Any]], program: Program, look: Any, pushed: Any) -> Step:
    """Version 2 is rehearsed, and goes on to prod."""
    package = program.packages[-1]
    program.promote("dev", "staging", f"rehearsal={program.rehearse(package)}")
    program.promote("staging", "prod")
    return Step(package, {stack: look(stack) for stack in STACKS}, pushed())


@pytest.fixture(scope="module")
def back(second: Step, program: Program, look: Any, pushed: Any) -> Back:
    """Prod goes back to version 1, and is brought up once more."""
    said = program.shell(f"modelway rollback {NAME} --stack prod --yes").stderr
    then = program.on("prod").up().stdout
    releases = program.json(f"modelway releases {NAME}")["releases"]
    return Back({stack: look(stack) for stack in STACKS}, pushed(), said, then, releases)
