"""What a copy needs on both sides, and no more."""

from modelway.iam.copier import artifact_copy_statements, image_copy_statements
from modelway.image.reference import image_reference, repository_reference

SOURCE = f"111111111111.dkr.ecr.us-east-1.amazonaws.com/models@sha256:{'1' * 64}"
TARGET = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/team/models"


def test_an_image_is_read_in_the_source_and_written_in_the_target_only():
    sides = image_copy_statements(image_reference(SOURCE), repository_reference(TARGET))

    login = {
        "Sid": "LogInToRegistry",
        "Effect": "Allow",
        "Action": ["ecr:GetAuthorizationToken"],
        "Resource": ["*"],
    }
    assert [side[0] for side in sides.values()] == [login, login]
    read, write = sides["source"][1], sides["target"][1]
    assert read["Resource"] == ["arn:aws:ecr:us-east-1:111111111111:repository/models"]
    assert write["Resource"] == ["arn:aws:ecr:eu-west-1:222222222222:repository/team/models"]
    assert not [action for action in read["Action"] if "Put" in action or "Upload" in action]
    assert "ecr:PutImage" in write["Action"]
    assert not [action for action in write["Action"] if "Delete" in action]


def test_repositories_of_china_and_of_the_government_have_their_own_partitions():
    source = SOURCE.replace("us-east-1.amazonaws.com", "cn-north-1.amazonaws.com.cn")
    target = TARGET.replace("eu-west-1", "us-gov-west-1")

    sides = image_copy_statements(image_reference(source), repository_reference(target))

    assert sides["source"][1]["Resource"][0].startswith("arn:aws-cn:ecr:cn-north-1:")
    assert sides["target"][1]["Resource"][0].startswith("arn:aws-us-gov:ecr:us-gov-west-1:")


def test_an_artifact_is_one_object_on_each_side():
    source, target = ("staging", "a/model.tar.gz"), ("prod", "b/model.tar.gz")
    sides = artifact_copy_statements(source, target, "us-east-1")

    assert sides["source"] == [
        {
            "Sid": "ReadArtifact",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::staging/a/model.tar.gz"],
        }
    ]
    assert sides["target"][0]["Resource"] == ["arn:aws:s3:::prod/b/model.tar.gz"]
    assert sides["target"][0]["Action"] == [
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:PutObject",
    ]
    assert sides["target"][1]["Action"] == ["s3:ListBucket"]
    assert sides["target"][1]["Resource"] == ["arn:aws:s3:::prod"]
