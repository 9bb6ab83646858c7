"""The Pulumi provider `docker-build` on top of the emulator: builds with Docker, or stands in."""

from modelway.emulator.provider.docker_build.servicer import DockerBuildProvider

__all__ = ["DockerBuildProvider"]
