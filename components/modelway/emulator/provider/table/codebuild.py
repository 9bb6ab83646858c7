"""AWS CodeBuild: projects."""

from modelway.emulator.provider.entry import AutoName, Call, Change, Entry, Read

_CHANGED = (
    *("artifacts", "cache", "description", "encryptionKey", "environment", "logsConfig"),
    *("serviceRole", "source", "sourceVersion", "tags"),
)

PROJECT = Entry(
    type="aws:codebuild/project:Project",
    service="codebuild",
    create=Call("CreateProject"),
    id_answer="project.arn",
    reads=(Read(Call("BatchGetProjects", {"names": lambda t: [t.id]}), "projects[0]"),),
    delete=Call("DeleteProject", {"name": "name"}),
    names={
        "buildTimeout": "timeoutInMinutes",
        "queuedTimeout": "queuedTimeoutInMinutes",
        "badgeUrl": "badge.badgeRequestUrl",
    },
    changes=(
        Change(
            (*_CHANGED, "buildTimeout", "queuedTimeout"),
            Call(
                "UpdateProject",
                {
                    "name": "name",
                    **{name: name for name in _CHANGED},
                    "timeoutInMinutes": "buildTimeout",
                    "queuedTimeoutInMinutes": "queuedTimeout",
                },
            ),
        ),
    ),
    auto_name=AutoName(limit=150),
    replaces=frozenset({"name"}),
    computed=frozenset({"cache", "description", "encryptionKey", "logsConfig"}),
    defaults={
        "buildTimeout": 60,
        "queuedTimeout": 480,
        "cache.type": "NO_CACHE",
        "environment.environmentVariables.type": "PLAINTEXT",
        "logsConfig.cloudwatchLogs.status": "ENABLED",
        "logsConfig.s3Logs.status": "DISABLED",
        "environment.imagePullCredentialsType": "CODEBUILD",
        "environment.privilegedMode": False,
        "projectVisibility": "PRIVATE",
    },
    refused=dict.fromkeys(
        (
            *("autoRetryLimit", "badgeEnabled", "buildBatchConfig", "concurrentBuildLimit"),
            *("fileSystemLocations", "projectVisibility", "resourceAccessRole"),
            *("secondaryArtifacts", "secondarySourceVersions", "secondarySources", "vpcConfig"),
        ),
        "set it for AWS alone",
    ),
)

ENTRIES = (PROJECT,)
