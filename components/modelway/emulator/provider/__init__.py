"""The Pulumi providers on top of the emulator: `aws`, and `docker-build` (`docker_build`).

    engine -> bin/pulumi-resource-aws -> emulator: serve() -> AwsProvider (gRPC), a Plugin
                                                      check, difference       pure: no AWS call
                                                      lifecycle, reading -> Target -> boto3
                                                          ^
                                                        table: one Entry per resource type

A resource type is one entry of `table`, written in the words of `entry`; names are found by the
rules of `binding` over botocore's service models, and `schema.json` says which properties
pulumi_aws has.
"""

from modelway.emulator.provider.server import PACKAGES, ProviderServer, serve

__all__ = ["PACKAGES", "ProviderServer", "serve"]
