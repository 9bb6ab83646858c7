"""Processes or threads: how many of each serve a model.

Takes what the first worker measured and what was set, gives a `Plan` with its reason. Pure: no
clock, no files, no processes.

The measured grounds, on two cores (MLP of 2.7 MB, 88 us a row; encoder of 21 MB, 4.8 ms a row):

- Under load, processes with one thread each beat one process with as many threads where a run is
  short: 25 300 requests/s against 13 400. A request costs Python 30 to 100 us, which one process
  cannot spread over CPUs, and onnxruntime's threads wait busily on the CPU that the server needs.
- Where a run is long, Python is a small part of a request, and threads make every single answer
  quicker: two of them cut the run of one row to 0.3 to 0.6.
- Two threads on one CPU halve the speed of every model, so threads times processes never exceed
  the CPUs unless it was set so.
"""

from dataclasses import dataclass

SHORT_RUN_SECONDS = 0.001
"""A run on one row that takes less is short. Python's part of a request is then at least a tenth,
and such runs are done on the event loop (`core.model.QUICK_RUN_SECONDS`)."""

SMALL_MODEL_BYTES = 256 * 1024 * 1024
"""Files up to this size may be loaded once a process. Loading takes about a second for as much,
which a crash costs again, and more would rather be spent on one copy than on one a CPU."""

MEMORY_PART = 0.75
"""The part of the memory that idle workers may fill. The rest is for requests under way, whose
tensors and bodies come and go, and for the page cache of the model's file."""

WORKER_BYTES = 96 * 1024 * 1024
"""Memory of a worker without its model, where it was not measured: Python, numpy, onnxruntime."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the first worker found when it had loaded the model."""

    cpus: int
    """CPUs that the server may use."""

    threads: int
    """Threads of the runs that were measured."""

    run_seconds: float | None
    """Time of a run on one row; None where it is not known."""

    model_bytes: int
    """Size of the model's files."""

    memory_bytes: int | None = None
    """Memory of the worker with its model; None where it is not known."""

    memory_limit_bytes: int | None = None
    """Memory that the server may use; None where it is not known."""

    alone: str | None = None
    """Why there can be one process only, such as ``models are loaded by request``."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many processes serve, and with how many threads each."""

    workers: int
    threads: int
    """Threads of one run in each process."""

    reason: str
    """For the log."""

    warning: str | None = None
    """What is wrong with it where it was set so."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is settled when a worker is forked."""

    plan: Plan | None = None
    """How many processes and threads there are; None: the worker is the first one, has to measure,
    and is told then."""

    answers_while_loading: bool = True
    """Whether to accept connections before the model is loaded, and say 503. Otherwise others are
    answering, or callers rather wait for a worker that is being replaced; such a worker ends with
    `Status.MODEL_UNUSABLE` at once where it cannot load the model."""

    failure: str | None = None
    """Why the model cannot be served, as workers before this one found: do not load it, say this in
    ``/ping`` for a moment, and end with `Status.MODEL_UNUSABLE`."""


def first_threads(cpus: int, model_bytes: int, workers: int | None, threads: int | None) -> int:
    """Give the threads with which the first worker loads the model, before anything is measured.

    The guess is what the plan will most likely be, because a session has to be made anew for
    another number: what was set, else one for a small file and all CPUs for a large one.
    """
    if threads is not None:
        return threads
    if workers is not None:
        return max(1, cpus // workers)
    return 1 if model_bytes <= SMALL_MODEL_BYTES else cpus


def plan_processes(measured: Measured, workers: int | None, threads: int | None) -> Plan:
    """Decide.

    Args:
        measured: what the first worker found.
        workers: ``MODEL_SERVER_WORKERS``; None: not set.
        threads: ``MODEL_SERVER_THREADS``; None: not set.
    """
    cpus = measured.cpus
    fitting = _fitting_workers(measured)
    if workers is not None:
        return Plan(
            workers,
            max(1, cpus // workers) if threads is None else threads,
            "MODEL_SERVER_WORKERS says so",
            _warning(workers, fitting, measured),
        )
    single = _why_single(measured)
    if single is not None:
        return Plan(1, cpus if threads is None else threads, single)
    wanted = cpus if threads is None else max(1, cpus // threads)
    count = wanted if fitting is None else min(wanted, fitting)
    if threads is None:
        threads = max(1, cpus // count)
    reason = (
        f"a row takes {_ms(measured.run_seconds)} ms, under {_ms(SHORT_RUN_SECONDS)} ms: "
        "processes answer more than threads"
    )
    if count < wanted:
        reason = f"memory has room for {count} of {wanted} processes"
    return Plan(count, threads, reason)


def _why_single(measured: Measured) -> str | None:
    if measured.alone is not None:
        return measured.alone
    if measured.cpus == 1:
        return "there is one CPU"
    if measured.model_bytes > SMALL_MODEL_BYTES:
        size, limit = measured.model_bytes // 2**20, SMALL_MODEL_BYTES // 2**20
        return f"the model has {size} MiB, over {limit}: one copy in memory"
    if measured.run_seconds is None:
        return "the time of a run is not known"
    # Threads divide the time of a run at best; a run measured with several may be longer alone.
    if measured.run_seconds * measured.threads >= SHORT_RUN_SECONDS:
        took = _ms(measured.run_seconds)
        with_threads = f" with {measured.threads} threads" if measured.threads > 1 else ""
        return f"a row takes {took} ms{with_threads}: threads answer sooner than processes"
    return None


def _fitting_workers(measured: Measured) -> int | None:
    """Give how many workers the memory has room for, at least 1; None where it is not known."""
    if measured.memory_limit_bytes is None:
        return None
    return max(1, int(measured.memory_limit_bytes * MEMORY_PART / _worker_bytes(measured)))


def _worker_bytes(measured: Measured) -> int:
    if measured.memory_bytes is not None:
        return max(measured.memory_bytes, 1)
    # onnxruntime holds the weights, and for a moment the file beside them.
    return WORKER_BYTES + 2 * measured.model_bytes


def _warning(workers: int, fitting: int | None, measured: Measured) -> str | None:
    if fitting is None or workers <= fitting:
        return None
    return (
        f"{workers} processes take about {workers * _worker_bytes(measured) // 2**20} MiB of "
        f"{(measured.memory_limit_bytes or 0) // 2**20}; {fitting} leave room for requests"
    )


def _ms(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds * 1000:.3g}"
