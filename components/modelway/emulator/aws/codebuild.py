"""CodeBuild: moto keeps no updates, answers every build with success and runs nothing.

Takes the shared services; replaces moto's operations on projects and builds, and carries builds
out.
"""

from collections.abc import Callable

from modelway.emulator.services import Services

_resume: list[Callable[[], None]] = []


def install(services: Services) -> None:
    """Extend moto's CodeBuild."""
    from moto.codebuild.models import codebuild_backends

    from modelway.emulator.codebuild.api import CodeBuildApi, builds_of_all
    from modelway.emulator.codebuild.runner import Runner
    from modelway.emulator.hosting.objects import reader

    runner = Runner(services, reader(services))
    CodeBuildApi(services, runner).install()
    _resume[:] = [lambda: runner.resume(builds_of_all(codebuild_backends))]


def resume() -> None:
    """After a replay: go on with the builds that were under way."""
    for go_on in _resume:
        go_on()
