"""Storage, identity, keys, images and topics answer as AWS does where deployments need it."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.integration


def refused(code):
    return pytest.raises(ClientError, match=f"\\({code}\\)")


def trust(**changes):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    statement = {name: value for name, value in (statement | changes).items() if value}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def manifest(*sizes):
    layers = [{"size": size, "digest": f"sha256:{size:064x}"} for size in sizes]
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"size": 100, "digest": f"sha256:{0:064x}"},
            "layers": layers,
        }
    )


def test_a_tls_only_policy_is_kept_and_shuts_nobody_out(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="tls-only")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }

    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps(policy))
    s3.put_object(Bucket="tls-only", Key="k", Body=b"content")

    assert json.loads(s3.get_bucket_policy(Bucket="tls-only")["Policy"]) == policy
    assert s3.get_object(Bucket="tls-only", Key="k")["Body"].read() == b"content"


def test_a_policy_that_denies_without_condition_is_enforced(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="closed")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::closed/*",
    }
    s3.put_bucket_policy(
        Bucket="closed", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )

    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket="closed", Key="k", Body=b"x")


def test_a_new_bucket_is_encrypted_and_cannot_lose_it(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="fresh")
    s3.delete_bucket_encryption(Bucket="fresh")

    rules = s3.get_bucket_encryption(Bucket="fresh")["ServerSideEncryptionConfiguration"]["Rules"]

    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_a_bucket_with_objects_is_not_deleted(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="full")
    s3.put_object(Bucket="full", Key="k", Body=b"x")

    with refused("BucketNotEmpty"):
        s3.delete_bucket(Bucket="full")

    assert s3.get_object(Bucket="full", Key="k")["Body"].read() == b"x"


def test_an_image_is_found_by_the_digest_of_its_manifest(client):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="by-digest")
    text = manifest(5, 7)
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    put = ecr.put_image(repositoryName="by-digest", imageManifest=text, imageTag="v1")

    ids = [{"imageDigest": digest}]
    described = ecr.describe_images(repositoryName="by-digest", imageIds=ids)["imageDetails"][0]
    found = ecr.batch_get_image(repositoryName="by-digest", imageIds=ids)
    assert put["image"]["imageId"] == {"imageDigest": digest, "imageTag": "v1"}
    assert described["imageTags"] == ["v1"]
    assert described["imageSizeInBytes"] == 112
    assert found["images"][0]["imageManifest"] == text
    assert found["failures"] == []


def test_a_tag_is_not_moved_where_tags_are_immutable(client):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="immutable", imageTagMutability="IMMUTABLE")
    ecr.put_image(repositoryName="immutable", imageManifest=manifest(1), imageTag="v1")

    with refused("ImageTagAlreadyExistsException"):
        ecr.put_image(repositoryName="immutable", imageManifest=manifest(2), imageTag="v1")
    with refused("ImageAlreadyExistsException"):
        ecr.put_image(repositoryName="immutable", imageManifest=manifest(1), imageTag="v1")

    found = ecr.batch_get_image(repositoryName="immutable", imageIds=[{"imageTag": "v1"}])
    assert [image["imageManifest"] for image in found["images"]] == [manifest(1)]


def test_a_repository_with_images_is_not_deleted(client):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="full")
    ecr.put_image(repositoryName="full", imageManifest=manifest(1))

    with refused("RepositoryNotEmptyException"):
        ecr.delete_repository(repositoryName="full")

    assert len(ecr.list_images(repositoryName="full")["imageIds"]) == 1


@pytest.mark.parametrize(
    "document",
    ["{", trust(Principal=None), trust(Action="s3:GetObject"), trust(Resource="*")],
    ids=["no JSON", "no principal", "no action of STS", "a resource"],
)
def test_a_malformed_trust_policy_makes_no_role(client, document):
    iam = client("iam")

    with refused("MalformedPolicyDocument"):
        iam.create_role(RoleName="malformed", AssumeRolePolicyDocument=document)

    assert "malformed" not in {role["RoleName"] for role in iam.list_roles()["Roles"]}


def test_a_boundary_that_does_not_exist_makes_no_role(client):
    iam = client("iam")
    arn = "arn:aws:iam::123456789012:policy/boundary"

    with refused("NoSuchEntity"):
        iam.create_role(
            RoleName="bounded", AssumeRolePolicyDocument=trust(), PermissionsBoundary=arn
        )

    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    iam.create_policy(
        PolicyName="boundary",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    role = iam.create_role(
        RoleName="bounded", AssumeRolePolicyDocument=trust(), PermissionsBoundary=arn
    )["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn


def test_the_period_of_a_rotation_is_given_back(client):
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]

    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    status = kms.get_key_rotation_status(KeyId=key)

    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 180)
    kms.disable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


@pytest.mark.parametrize(
    ("spec", "algorithm", "name"),
    [("ECC_NIST_P256", "ECDSA_SHA_256", "sha256"), ("ECC_NIST_P384", "ECDSA_SHA_384", "sha384")],
)
def test_a_digest_is_signed_as_the_message_that_it_is_of(client, spec, algorithm, name):
    kms = client("kms")
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    digest = hashlib.new(name, b"message").digest()
    how = {"KeyId": key, "SigningAlgorithm": algorithm}

    signature = kms.sign(Message=digest, MessageType="DIGEST", **how)["Signature"]

    assert kms.verify(Message=b"message", Signature=signature, **how)["SignatureValid"]
    as_digest = {"MessageType": "DIGEST", "Signature": signature, **how}
    assert kms.verify(Message=digest, **as_digest)["SignatureValid"]
    with refused("ValidationException"):
        kms.sign(Message=b"message", MessageType="DIGEST", **how)


def test_only_asymmetric_keys_have_a_public_half(client):
    kms = client("kms")
    symmetric = kms.create_key()["KeyMetadata"]["KeyId"]
    pair = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]

    with refused("UnsupportedOperationException"):
        kms.get_public_key(KeyId=symmetric)
    signed = kms.sign(KeyId=pair, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    assert kms.get_public_key(KeyId=pair)["PublicKey"]
    assert kms.verify(KeyId=pair, Message=b"m", Signature=signed, SigningAlgorithm="ECDSA_SHA_256")[
        "SignatureValid"
    ]


def test_a_subscription_by_mail_stays_pending(client):
    sns = client("sns")
    topic = sns.create_topic(Name="mail")["TopicArn"]

    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com")
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]

    assert answer["SubscriptionArn"] == "pending confirmation"
    assert [each["SubscriptionArn"] for each in listed] == ["PendingConfirmation"]
    assert attributes["SubscriptionsPending"] == "1"
    assert attributes["SubscriptionsConfirmed"] == "0"


def test_an_unreachable_subscriber_fails_nobodys_publish(client):
    sns = client("sns")
    topic = sns.create_topic(Name="unreachable")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/hook")
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://pager.example.com/hook")

    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]


def test_a_subscriber_on_this_machine_gets_the_message(client):
    received = []
    arrived = threading.Event()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["x-amz-sns-message-type"], json.loads(body)))
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, *_):
            pass

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, args=(0.01,), daemon=True).start()
    try:
        sns = client("sns")
        topic = sns.create_topic(Name="hooked")["TopicArn"]
        url = f"http://127.0.0.1:{hook.server_port}/hook"
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
        sns.publish(TopicArn=topic, Message="hello", Subject="greeting")
        assert arrived.wait(10)
    finally:
        hook.shutdown()
        hook.server_close()

    kind, message = received[0]
    assert kind == "Notification"
    assert (message["TopicArn"], message["Message"]) == (topic, "hello")
    assert message["Subject"] == "greeting"


def test_tags_are_listed_beside_resources_that_have_versions(client):
    sns = client("sns")
    sns.create_topic(Name="tagged", Tags=[{"Key": "team", "Value": "risk"}])
    client("sagemaker").create_model_card(
        ModelCardName="card",
        Content="{}",
        ModelCardStatus="Draft",
        Tags=[{"Key": "team", "Value": "risk"}],
    )

    found = client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "team", "Values": ["risk"]}]
    )["ResourceTagMappingList"]

    assert sorted(each["ResourceARN"] for each in found) == [
        "arn:aws:sagemaker:us-east-1:123456789012:model-card/card",
        "arn:aws:sns:us-east-1:123456789012:tagged",
    ]
