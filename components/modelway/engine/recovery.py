"""What an engine that was killed left behind, and how it is put right.

Takes the URL of a file backend, gives the condition of its stacks, and repairs them: proves the
lock's holder dead, stops its orphans, settles its pending operations, removes its lock. In that
order: the dead engine's lock keeps other engines away until all else is done. It must not touch a
stack whose engine lives or may live.
"""

from dataclasses import dataclass
from enum import StrEnum

from modelway.engine.backend import ORGANIZATION, FileBackend, PendingOperation
from modelway.engine.lock import Holder, StackLock, Verdict, examine, held, read_locks
from modelway.engine.orphan import Orphan, find_orphans, stop_orphans
from modelway.errors import EngineError

SETTLED = {
    "creating": "forgotten: it may exist without being in the state. modelway's own resources are "
    "adopted by the next `pulumi up`; anything else can be taken in with `pulumi import`",
    "updating": "forgotten: the next `pulumi up` compares and updates it again; if you also take "
    "back the change that was under way, run `pulumi refresh` before",
    "deleting": "forgotten: it is still in the state and the next `pulumi up` deletes it again",
}
"""What dropping a pending operation means, by its kind."""

SETTLED_OTHERWISE = "forgotten: it changed nothing"
"""The same for `reading` and `importing`."""


@dataclass(frozen=True)
class StackCondition:
    """What was found of one stack."""

    stack: str
    """`organization/project/stack`."""
    locks: tuple[tuple[StackLock, Verdict], ...]
    """Each lock, with what is known of its holder."""
    pending: tuple[PendingOperation, ...]
    """What an engine began and did not record; that of a living engine is none of our business."""
    orphans: tuple[Orphan, ...]
    """Plugins without an engine that served this backend and, as far as they tell, this project."""

    @property
    def busy(self) -> bool:
        """Whether an engine works on the stack now, or may."""
        return any(verdict.holder is not Holder.DEAD for _, verdict in self.locks)

    @property
    def needs_repair(self) -> bool:
        """Whether `repair` would change something."""
        return not self.busy and bool(self.locks or self.pending or self.orphans)


class Action(StrEnum):
    """What a repair does."""

    STOPPED_PROCESS = "stopped-process"
    SETTLED_OPERATION = "settled-operation"
    REMOVED_LOCK = "removed-lock"


@dataclass(frozen=True)
class RepairAction:
    """One thing that was put right."""

    stack: str
    """`organization/project/stack`."""
    action: Action
    subject: str
    """The process, the resource's URN or the lock's holder."""
    detail: str
    """Why it was safe, or what follows from it."""


def diagnose(backend_url: str, stack: str | None = None) -> list[StackCondition]:
    """Say what is found of a backend's stacks, without changing anything.

    Args:
        backend_url: a file backend, as in PULUMI_BACKEND_URL.
        stack: `stack`, `project/stack` or `organization/project/stack`; default: all.

    Raises:
        EngineError: not a file backend, no such stack, or a state that cannot be read.
    """
    backend = FileBackend.from_url(backend_url)
    orphans: dict[str | None, tuple[Orphan, ...]] = {}
    conditions = []
    for name in _chosen(backend, stack):
        project = _project(name)
        if project not in orphans:
            orphans[project] = find_orphans(backend, project)
        locks = read_locks(backend.lock_directory(name), name)
        conditions.append(
            StackCondition(
                name,
                tuple((lock, examine(lock)) for lock in locks),
                backend.pending_operations(name),
                orphans[project],
            )
        )
    return conditions


def repair(backend_url: str, stack: str | None = None) -> list[RepairAction]:
    """Put right what dead engines left in a backend's stacks.

    Args:
        backend_url: a file backend, as in PULUMI_BACKEND_URL.
        stack: as for `diagnose`. With the default, stacks that are in use are passed over.

    Returns:
        What was done; empty when nothing was wrong.

    Raises:
        StackLocked: the stack that was asked for is in use, or may be.
        EngineError: as for `diagnose`, or a process that cannot be stopped.
    """
    backend = FileBackend.from_url(backend_url)
    actions: list[RepairAction] = []
    for condition in diagnose(backend_url, stack):
        if condition.needs_repair or (condition.busy and stack is not None):
            actions += _repair_stack(backend, condition.stack)
    return actions


def _repair_stack(backend: FileBackend, stack: str) -> list[RepairAction]:
    """Repair one stack under its lock."""
    actions = []
    with held(backend.lock_directory(stack), stack) as stale:
        orphans = find_orphans(backend, _project(stack))
        actions += [
            RepairAction(
                stack,
                Action.STOPPED_PROCESS,
                f"{orphan.name} (pid {orphan.pid})",
                "its engine is gone",
            )
            for orphan in stop_orphans(orphans)
        ]
        # After the orphans, which could still change the outside world.
        pending = backend.pending_operations(stack)
        backend.drop_pending_operations(stack)
        actions += [
            RepairAction(
                stack,
                Action.SETTLED_OPERATION,
                f"{operation.kind} {operation.urn}",
                _settled(operation),
            )
            for operation in pending
        ]
        for lock in stale:
            evidence = examine(lock).evidence
            lock.file.unlink(missing_ok=True)
            lock.file.with_name(f"{lock.file.name}.attrs").unlink(missing_ok=True)
            actions.append(RepairAction(stack, Action.REMOVED_LOCK, str(lock), evidence))
    return actions


def _settled(operation: PendingOperation) -> str:
    """Say what becomes of an operation, and under which name to look for what it may have made."""
    detail = SETTLED.get(operation.kind, SETTLED_OTHERWISE)
    if operation.kind == "creating" and operation.physical_name is not None:
        detail += f"; its name would be {operation.physical_name}"
    return detail


def _project(stack: str) -> str | None:
    """Name the project of `organization/project/stack`; None in old backends without projects."""
    parts = stack.split("/")
    return parts[-2] if len(parts) > 1 else None


def _chosen(backend: FileBackend, stack: str | None) -> list[str]:
    """List the stacks that a user's name means."""
    known = backend.stacks()
    if stack is None:
        return known
    wanted = stack.removeprefix(f"{ORGANIZATION}/")
    found = [
        name
        for name in known
        if wanted in (name, name.removeprefix(f"{ORGANIZATION}/"), name.rsplit("/", 1)[-1])
    ]
    if len(found) == 1:
        return found
    if found:
        raise EngineError(
            f"looking for stack {stack!r} in {str(backend.root)!r}: several have that name: "
            f"{', '.join(found)}; name one as project/stack"
        )
    raise EngineError(
        f"looking for stack {stack!r} in {str(backend.root)!r}: there is none; it has: "
        f"{', '.join(known) or 'no stacks'}"
    )
