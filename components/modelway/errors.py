"""Every error that modelway raises on purpose, as one tree.

    ModelwayError                exit status 1
    |-- SpecError                exit status 2: a spec breaks rules; holds every `Problem` found
    |-- ArtifactError            a model file is missing, unreadable or not what the spec says
    |-- PackageError             a package cannot be made, or is not what its manifest says
    |-- ImageError               a container image cannot be named, built or found
    |-- EngineError              the Pulumi engine is missing, unsupported or could not be built
    |-- StackLocked              a stack's lock is held, or was left by an engine that died
    |-- EmulatorError            the embedded AWS could not be started, reached or stopped
    |   |-- EmulatorNotRunning   nothing answers at the emulator's address
    |   `-- PortTaken            the port asked for belongs to another process
    |-- DeploymentError          AWS (or the emulator) refused, failed or rolled back a deployment
    |-- ExperimentError          exit status 2: an experiment cannot be judged from what was given
    |-- ModelRegistryError       a model registry has not what was asked for, or refuses it
    |-- PromotionError           a release is not what was recorded, or may not be recorded
    |   `-- NotReleased          a stack would deploy what nobody has released or promoted to it
    |-- ScaffoldError            exit status 2: a repository cannot be scaffolded as asked
    `-- RehearsalError           a rehearsal cannot be run as asked, such as too much traffic

A message says what was being done, which field, which value, what is allowed and what to do next.
This module must not import anything of modelway.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One rule that one value of one file breaks."""

    path: str
    """The field as written in the spec, for example `environments.prod.scaling.min_instances`."""
    message: str
    """What is wrong, as a sentence without a full stop."""
    value: object = None
    """The offending value, shown with `repr`; None when the field is missing."""
    allowed: str = ""
    """What would be accepted, or empty when the message says it."""
    source: str = ""
    """Where the rule comes from: an AWS API shape, a service page, or modelway itself."""
    file: str = ""
    """The file as the user named it; empty for a spec made in code."""
    line: int | None = None
    """The line in `file`, counted from 1; None when unknown."""

    def __str__(self) -> str:
        """Give one line for people: where, what, the value, what is allowed, and why."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        text = f"{where}: {self.path}: {self.message}" if where else f"{self.path}: {self.message}"
        if self.value is not None:
            text += f" (got {self.value!r})"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.source:
            text += f" [{self.source}]"
        return text


class ModelwayError(Exception):
    """Something modelway refuses or could not do; the message is meant for the user."""

    exit_status = 1


class SpecError(ModelwayError):
    """One or more specs break rules.

    Args:
        problems: every problem found, in the order of file and line.
    """

    exit_status = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["SpecError"], tuple[tuple[Problem, ...]]]:
        """Pickle by the problems, since the message is derived from them."""
        return type(self), (self.problems,)


class ArtifactError(ModelwayError):
    """A model file, or one beside it, is missing, unreadable or not what the spec says.

    Args:
        message: for people.
        field: of the spec, which names the file.
    """

    def __init__(self, message: str, field: str = "model.path") -> None:
        self.field = field
        super().__init__(message)

    def __reduce__(self) -> tuple[type["ArtifactError"], tuple[str, str]]:
        """Pickle with the field."""
        return type(self), (str(self), self.field)


class PackageError(ModelwayError):
    """A package cannot be made, or is not what its manifest says."""


class ImageError(ModelwayError):
    """A container image cannot be named, built or found."""


class EngineError(ModelwayError):
    """The Pulumi engine is missing, unsupported or could not be built."""


class StackLocked(ModelwayError):  # noqa: N818 - a state, named as the engine names it
    """A stack's lock is held, or was left by an engine that died."""


class EmulatorError(ModelwayError):
    """The embedded AWS could not be started, reached or stopped."""


class EmulatorNotRunning(EmulatorError):  # noqa: N818 - a state, not a fault of the emulator
    """Nothing answers at the emulator's address."""


class PortTaken(EmulatorError):  # noqa: N818 - a state, not a fault of the emulator
    """The port asked for belongs to another process."""


class DeploymentError(ModelwayError):
    """AWS (or the emulator) refused, failed or rolled back a deployment."""


class ExperimentError(ModelwayError):
    """An experiment cannot be judged from what was given: files, ids or options."""

    exit_status = 2


class ModelRegistryError(ModelwayError):
    """A model registry has not what was asked for, or refuses it; or a version is not approved."""


class PromotionError(ModelwayError):
    """A release is not what was recorded and signed, or may not be recorded."""


class NotReleased(PromotionError):  # noqa: N818 - a state of the stack, not a fault of its records
    """A stack would deploy what nobody has released or promoted to it; its records are sound."""


class ScaffoldError(ModelwayError):
    """A repository cannot be scaffolded as asked: a name, a region, or files in the way."""

    exit_status = 2


class RehearsalError(ModelwayError):
    """A rehearsal cannot be run as asked."""
