"""What was there before a stop, or a kill, is there again: the same ids, times and contents."""

import contextlib
import json
import os
import signal

import psutil
import pytest

from modelway.emulator.process import start

pytestmark = pytest.mark.integration

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def stop(emulator):
    emulator.stop()


def kill(emulator):
    os.kill(emulator.pid, signal.SIGKILL)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(emulator.pid).wait(10)


@pytest.fixture
def populate(client_of):
    def run(emulator):
        s3, kms = client_of(emulator, "s3"), client_of(emulator, "kms")
        s3.create_bucket(Bucket="models")
        s3.put_bucket_versioning(Bucket="models", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="models", Key="a/b c.bin", Body=bytes(range(256)) * 1000)
        s3.put_object(Bucket="models", Key="gone", Body=b"x")
        s3.delete_object(Bucket="models", Key="gone")
        key = kms.create_key(Description="one")["KeyMetadata"]["KeyId"]
        sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
        client_of(emulator, "iam").create_role(RoleName="one", AssumeRolePolicyDocument=TRUST)
        topic = client_of(emulator, "sns").create_topic(Name="one")["TopicArn"]
        client_of(emulator, "sns").subscribe(
            TopicArn=topic, Protocol="email", Endpoint="a@example.com", ReturnSubscriptionArn=True
        )
        upload = s3.create_multipart_upload(Bucket="models", Key="parts")["UploadId"]
        part = s3.upload_part(
            Bucket="models", Key="parts", UploadId=upload, PartNumber=1, Body=b"part"
        )["ETag"]
        s3.complete_multipart_upload(
            Bucket="models",
            Key="parts",
            UploadId=upload,
            MultipartUpload={"Parts": [{"ETag": part, "PartNumber": 1}]},
        )
        return sealed

    return run


@pytest.fixture
def picture(client_of):
    def take(emulator, sealed):
        s3, kms, ec2 = (client_of(emulator, name) for name in ("s3", "kms", "ec2"))
        found = s3.get_object(Bucket="models", Key="a/b c.bin")
        key = kms.list_keys()["Keys"][0]["KeyId"]
        return {
            "buckets": s3.list_buckets()["Buckets"],
            "body": found["Body"].read(),
            "modified": found["LastModified"],
            "version": found["VersionId"],
            "versions": s3.list_object_versions(Bucket="models")["Versions"],
            "parts": s3.get_object(Bucket="models", Key="parts")["Body"].read(),
            "key": kms.describe_key(KeyId=key)["KeyMetadata"],
            "plain": kms.decrypt(CiphertextBlob=sealed)["Plaintext"],
            "role": client_of(emulator, "iam").get_role(RoleName="one")["Role"],
            "subscriptions": client_of(emulator, "sns").list_subscriptions()["Subscriptions"],
            # Made by the first look, not by any request that changes something.
            "vpc": ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
            "subnets": [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]],
        }

    return take


@pytest.mark.parametrize("end", [stop, kill])
def test_ids_times_and_contents_are_the_same_after(end, tmp_path, populate, picture):
    first = start(port=0, state=tmp_path)
    try:
        sealed = populate(first)
        before = picture(first, sealed)
        end(first)
        second = start(port=0, state=tmp_path)
    finally:
        first.stop()
    try:
        after = picture(second, sealed)
        warnings = second.status()["warnings"]
    finally:
        second.stop()

    assert after == before
    assert after["plain"] == b"secret"
    assert warnings == []


def test_refused_and_reading_requests_are_not_kept(tmp_path, client_of):
    emulator = start(port=0, state=tmp_path)
    try:
        s3 = client_of(emulator, "s3")
        s3.create_bucket(Bucket="models")
        s3.list_buckets()
        with pytest.raises(s3.exceptions.NoSuchBucket):
            s3.put_object(Bucket="absent", Key="k", Body=b"x")
        client_of(emulator, "sns").list_topics()
    finally:
        emulator.stop()

    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line).get("url") for line in lines] == [None, "/models"]


def test_a_reset_forgets_everything_for_good(tmp_path, client_of):
    first = start(port=0, state=tmp_path)
    try:
        client_of(first, "s3").create_bucket(Bucket="models")
        client_of(first, "s3").put_object(Bucket="models", Key="k", Body=b"x" * 100_000)
        (tmp_path / "pulumi" / "stack").write_text("state")
        first.reset()
        now = client_of(first, "s3").list_buckets()["Buckets"]
        first.stop()
        second = start(port=0, state=tmp_path)
    finally:
        first.stop()
    try:
        later = client_of(second, "s3").list_buckets()["Buckets"]
    finally:
        second.stop()

    assert now == later == []
    assert not (tmp_path / "blobs").exists()
    assert list((tmp_path / "pulumi").iterdir()) == []


def test_an_account_entered_by_a_role_is_there_again(tmp_path, client_of):
    def other_account(emulator):
        role = "arn:aws:iam::333333333333:role/there"
        keys = client_of(emulator, "sts").assume_role(RoleArn=role, RoleSessionName="session")
        return {
            "aws_access_key_id": keys["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": keys["Credentials"]["SecretAccessKey"],
            "aws_session_token": keys["Credentials"]["SessionToken"],
        }

    first = start(port=0, state=tmp_path)
    try:
        keys = other_account(first)
        topic = client_of(first, "sns", **keys).create_topic(Name="theirs")["TopicArn"]
        first.stop()
        second = start(port=0, state=tmp_path)
    finally:
        first.stop()
    try:
        theirs = client_of(second, "sns", **keys).list_topics()["Topics"]
        ours = client_of(second, "sns").list_topics()["Topics"]
    finally:
        second.stop()

    assert topic == "arn:aws:sns:us-east-1:333333333333:theirs"
    assert theirs == [{"TopicArn": topic}]
    assert ours == []
