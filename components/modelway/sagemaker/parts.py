"""The models and the configuration of one deployment: created or adopted, tagged, withdrawn.

Takes what is wanted and what exists, changes models and configurations only. It must not touch the
endpoint itself, and must not adopt what another owner made.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from modelway.sagemaker import failures
from modelway.sagemaker.api import SageMakerApi, as_tag_list, is_duplicate
from modelway.sagemaker.desired import DesiredEndpoint
from modelway.sagemaker.revisions import Revisions


class Parts:
    """What the wanted endpoint is made of.

    Args:
        api: SageMaker.
        desired: what is wanted.
        revisions: tells whose a thing is.
    """

    def __init__(self, api: SageMakerApi, desired: DesiredEndpoint, revisions: Revisions) -> None:
        self._api = api
        self._desired = desired
        self._revisions = revisions
        self._made: set[str] = set()

    def ensure(self) -> None:
        """Create the models and the configuration, or adopt identical ones.

        The name follows from the content, so the same name with our tags is the same content.

        Raises:
            DeploymentError: a name is taken by somebody else.
            ClientError: AWS refused.
        """
        for name, request in self._desired.model_requests.items():
            found = self._api.model(name)
            if found is None:
                self._create("create_model", name, request)
            else:
                self._must_be_ours(found["ModelArn"], f"a model named {name}")
        name = self._desired.config_name
        found = self._api.config(name)
        if found is None:
            self._create("create_endpoint_config", name, self._desired.config_request)
        else:
            self._must_be_ours(found["EndpointConfigArn"], f"a configuration named {name}")

    def tag(self) -> None:
        """Give adopted models and configurations the wanted tags; new ones have them."""
        for name in self._desired.model_names:
            model = None if name in self._made else self._api.model(name)
            if model is not None:
                self._api.set_tags(model["ModelArn"], self._desired.tags)
        name = self._desired.config_name
        config = None if name in self._made else self._api.config(name)
        if config is not None:
            self._api.set_tags(config["EndpointConfigArn"], self._desired.tags)

    def withdraw(self) -> None:
        """Delete what `ensure` created; what it adopted, and what another run now uses, stays."""
        if self._is_mine(self._desired.config_name):
            self._api.delete("delete_endpoint_config", EndpointConfigName=self._desired.config_name)
        for name in self._desired.model_names:
            if self._is_mine(name):
                self._api.delete("delete_model", ModelName=name)

    def _is_mine(self, name: str) -> bool:
        return name in self._made and name not in self._revisions.in_use()

    def _create(self, operation: str, name: str, request: Mapping[str, Any]) -> None:
        self._made.add(name)
        try:
            self._api.call_when_visible(operation, **request, Tags=as_tag_list(self._desired.tags))
        except ClientError as error:
            # An answer that got lost is asked for again, and the first try may have been heard.
            if not is_duplicate(error):
                raise

    def _must_be_ours(self, arn: str, what: str) -> None:
        if not self._revisions.owns(arn):
            raise failures.not_ours(self._desired, self._api.tags(arn), what)
