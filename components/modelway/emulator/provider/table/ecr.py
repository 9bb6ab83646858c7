"""Amazon ECR: repositories and their policies."""

from modelway.emulator.provider.entry import AutoName, Call, Change, Entry, Read, Tagging

_NAME = {"repositoryName": "id"}

REPOSITORY = Entry(
    type="aws:ecr/repository:Repository",
    service="ecr",
    create=Call("CreateRepository"),
    id_answer="repository.repositoryName",
    reads=(Read(Call("DescribeRepositories", {"repositoryNames": "id"}), "repositories[0]"),),
    not_found=("RepositoryNotFoundException",),
    delete=Call("DeleteRepository", {**_NAME, "force": "forceDelete"}),
    names={
        "arn": "repositoryArn",
        "name": "repositoryName",
        "repositoryUrl": "repositoryUri",
    },
    auto_name=AutoName(limit=255),
    changes=(
        Change(
            ("imageTagMutability", "imageTagMutabilityExclusionFilters"),
            Call(
                "PutImageTagMutability",
                {
                    **_NAME,
                    "imageTagMutability": "imageTagMutability",
                    "imageTagMutabilityExclusionFilters": "imageTagMutabilityExclusionFilters",
                },
            ),
        ),
        Change(
            ("imageScanningConfiguration",),
            Call(
                "PutImageScanningConfiguration",
                {
                    **_NAME,
                    "imageScanningConfiguration": lambda t: {
                        "scanOnPush": bool(
                            (t.get("imageScanningConfiguration") or {}).get("scanOnPush")
                        )
                    },
                },
            ),
        ),
    ),
    tagging=Tagging(
        listing=Call("ListTagsForResource", {"resourceArn": "arn"}),
        tag=Call("TagResource", {"resourceArn": "arn"}),
        untag=Call("UntagResource", {"resourceArn": "arn"}),
        result="tags",
        tags_member="tags",
        keys_member="tagKeys",
    ),
    replaces=frozenset({"name", "encryptionConfigurations"}),
    computed=frozenset({"encryptionConfigurations", "encryptionConfigurations.kmsKey"}),
    defaults={"imageTagMutability": "MUTABLE", "encryptionConfigurations.encryptionType": "AES256"},
    local=frozenset({"forceDelete"}),
)

LIFECYCLE_POLICY = Entry(
    type="aws:ecr/lifecyclePolicy:LifecyclePolicy",
    service="ecr",
    create=Call("PutLifecyclePolicy"),
    id_answer="repositoryName",
    put=True,
    reads=(Read(Call("GetLifecyclePolicy", _NAME)),),
    not_found=("LifecyclePolicyNotFoundException", "RepositoryNotFoundException"),
    delete=Call("DeleteLifecyclePolicy", _NAME),
    names={"policy": "lifecyclePolicyText", "repository": "repositoryName"},
    replaces=frozenset({"repository"}),
    delete_first=True,
    documents=frozenset({"policy"}),
)

REPOSITORY_POLICY = Entry(
    type="aws:ecr/repositoryPolicy:RepositoryPolicy",
    service="ecr",
    create=Call("SetRepositoryPolicy"),
    id_answer="repositoryName",
    put=True,
    reads=(Read(Call("GetRepositoryPolicy", _NAME)),),
    not_found=("RepositoryPolicyNotFoundException", "RepositoryNotFoundException"),
    delete=Call("DeleteRepositoryPolicy", _NAME),
    names={"policy": "policyText", "repository": "repositoryName"},
    replaces=frozenset({"repository"}),
    policies=frozenset({"policy"}),
)

ENTRIES = (REPOSITORY, LIFECYCLE_POLICY, REPOSITORY_POLICY)
