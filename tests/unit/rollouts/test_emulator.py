"""What the model of rollouts has found in the emulator."""

import pytest
from botocore.exceptions import ClientError

from rollout_model.direct import answer

GONE = "arn:aws:sagemaker:us-east-1:123456789012:model/gone"


def test_tags_of_a_resource_that_is_gone_are_refused_as_by_aws(world):
    with pytest.raises(ClientError, match=f"ValidationException.*Could not find resource {GONE}"):
        answer("sagemaker", "list_tags", {"ResourceArn": GONE})
