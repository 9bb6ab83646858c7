"""The component package for other languages: serves modelway's components to the engine.

`pulumi package add <repository>/components@<version>` installs `requirements.txt` and runs this.
"""

from importlib.metadata import version

from pulumi.provider.experimental import component_provider_host

from modelway.deployment import ModelDeployment
from modelway.platform import ModelPlatform

if __name__ == "__main__":
    component_provider_host(
        [ModelDeployment, ModelPlatform], name="modelway", version=version("modelway")
    )
