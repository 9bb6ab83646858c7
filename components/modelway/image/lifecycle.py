"""The image repository's lifecycle policy.

Untagged images are left-overs of interrupted pushes. Tagged ones never expire: endpoints and their
roll-back targets refer to them by digest, which ECR does not know.
"""

import json

UNTAGGED_DAYS = 14

LIFECYCLE_POLICY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "description": "left-overs of interrupted pushes",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": UNTAGGED_DAYS,
                },
                "action": {"type": "expire"},
            }
        ]
    },
    separators=(",", ":"),
)
"""ECR's own grammar ("Lifecycle policy properties", ECR user guide)."""
