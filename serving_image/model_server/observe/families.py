"""Every metric that the server has: its name, kind, labels and buckets.

Gives a table and nothing else. Snapshots name a series by its family's name and its label values,
so all processes of a server must have the same table, which they do: it is code.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """How a metric is read, and how those of several processes become one."""

    COUNTER = auto()
    """Only rises; added up, and kept when a process ends."""

    HISTOGRAM = auto()
    """Counts by bucket and a sum, each of them a counter."""

    SUM = auto()
    """A gauge added up over the living processes."""

    GREATEST = auto()
    """A gauge of which the greatest is shown: each process loads the model for itself."""

    LEAST = auto()
    """A gauge of which the least is shown."""

    INFO = auto()
    """Always 1; what it tells is in its labels."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric."""

    name: str
    """As Prometheus has it, without the suffixes ``_total``, ``_bucket`` and ``_info``."""

    kind: Kind

    labels: tuple[str, ...]

    text: str
    """What it counts, in one sentence."""

    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, rising, each belonging to its bucket; one more
    bucket holds what is above the last."""

    @property
    def width(self) -> int:
        """Numbers of one series: buckets and a sum, or one value."""
        return len(self.bounds) + 2 if self.kind is Kind.HISTOGRAM else 1

    @property
    def kept(self) -> bool:
        """Whether a series outlives its process."""
        return self.kind in (Kind.COUNTER, Kind.HISTOGRAM)


DURATION_BOUNDS = (
    0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064,
    0.125, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Of a request, in seconds. A row of a small model takes about 0.3 ms at one connection and 2 to
4 ms at 64, so the bounds double there, which keeps a percentile within a factor of 1.4; the last
one is what SageMaker allows a container."""

QUEUE_BOUNDS = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
)  # fmt: skip
"""Of waiting for a run, in seconds: from the time of a pass of the event loop to the deadline."""

INFERENCE_BOUNDS = (
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
)  # fmt: skip
"""Of one run of a model, in seconds: a tree model takes 5 us, a small text encoder 5 ms."""

ROW_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0, 16384.0)
"""Rows of one run: batches are padded to powers of two where they are padded."""

REQUEST_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
"""Requests that shared one run; as many as may be worked on at once by default."""

OTHER = "other"
"""Label values of the series that takes everything beyond `MAX_CHILDREN`."""

MAX_CHILDREN = 1000
"""Series of one metric in one process at most: Prometheus' own advice is to stay under a few
hundred where possible, and callers must never be able to fill the memory by inventing names."""

REQUESTS = Family(
    "model_server_requests",
    Kind.COUNTER,
    ("protocol", "route", "model", "status"),
    "Requests answered, by protocol, route, model and status.",
)
ERRORS = Family(
    "model_server_request_errors",
    Kind.COUNTER,
    ("model", "reason"),
    "Requests that were answered with an error, by its reason.",
)
DURATION = Family(
    "model_server_request_duration_seconds",
    Kind.HISTOGRAM,
    ("route", "model"),
    "Time from a request's head to its answer.",
    DURATION_BOUNDS,
)
QUEUE = Family(
    "model_server_queue_seconds",
    Kind.HISTOGRAM,
    ("model",),
    "Time that a request waited for its run.",
    QUEUE_BOUNDS,
)
BATCH_ROWS = Family(
    "model_server_batch_rows",
    Kind.HISTOGRAM,
    ("model",),
    "Rows of one run of the model.",
    ROW_BOUNDS,
)
BATCH_REQUESTS = Family(
    "model_server_batch_requests",
    Kind.HISTOGRAM,
    ("model",),
    "Requests that shared one run of the model.",
    REQUEST_BOUNDS,
)
INFERENCE = Family(
    "model_server_inference_seconds",
    Kind.HISTOGRAM,
    ("model",),
    "Time of one run of the model.",
    INFERENCE_BOUNDS,
)
IN_FLIGHT = Family(
    "model_server_requests_in_flight",
    Kind.SUM,
    (),
    "Requests accepted and not yet answered.",
)
MODEL_LOAD = Family(
    "model_server_model_load_seconds",
    Kind.GREATEST,
    ("model", "version"),
    "Time that the model took to load and warm up.",
)
MODEL_INFO = Family(
    "model_server_model",
    Kind.INFO,
    ("model", "version", "digest"),
    "A model that is loaded.",
)
INPUT_VALUES = Family(
    "model_server_input_values",
    Kind.COUNTER,
    ("model", "field", "kind"),
    "Input values by field and what the rules found: seen, missing, below_min and so on.",
)
CACHE_HITS = Family(
    "model_server_cache_hits",
    Kind.COUNTER,
    ("model",),
    "Requests answered from the cache.",
)
CACHE_MISSES = Family(
    "model_server_cache_misses",
    Kind.COUNTER,
    ("model",),
    "Requests looked for in the cache and not found.",
)
LOG_WRITTEN = Family(
    "model_server_prediction_log_written",
    Kind.COUNTER,
    (),
    "Prediction records written.",
)
LOG_DROPPED = Family(
    "model_server_prediction_log_dropped",
    Kind.COUNTER,
    ("reason",),
    "Prediction records lost: full, failed or stopped.",
)
LOG_WAITING = Family(
    "model_server_prediction_log_waiting_bytes",
    Kind.SUM,
    (),
    "Memory of the prediction records that wait to be written.",
)
SPANS_DROPPED = Family(
    "model_server_telemetry_dropped",
    Kind.COUNTER,
    ("signal",),
    "Traces and log records that could not be exported.",
)
WORKER_RESTARTS = Family(
    "model_server_worker_restarts",
    Kind.COUNTER,
    (),
    "Worker processes replaced after they had ended by themselves.",
)
PROCESS_CPU = Family(
    "process_cpu_seconds",
    Kind.COUNTER,
    (),
    "User and system time, over all workers.",
)
PROCESS_MEMORY = Family(
    "process_resident_memory_bytes",
    Kind.SUM,
    (),
    "Resident memory, over all workers; pages that they share count once for each.",
)
PROCESS_FDS = Family(
    "process_open_fds",
    Kind.SUM,
    (),
    "Open file descriptors, over all workers.",
)
PROCESS_THREADS = Family(
    "process_threads",
    Kind.SUM,
    (),
    "Threads, over all workers.",
)
PROCESS_START = Family(
    "process_start_time_seconds",
    Kind.LEAST,
    (),
    "When the oldest worker started, in seconds since 1970.",
)

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        REQUESTS,
        ERRORS,
        DURATION,
        QUEUE,
        BATCH_ROWS,
        BATCH_REQUESTS,
        INFERENCE,
        IN_FLIGHT,
        MODEL_LOAD,
        MODEL_INFO,
        INPUT_VALUES,
        CACHE_HITS,
        CACHE_MISSES,
        LOG_WRITTEN,
        LOG_DROPPED,
        LOG_WAITING,
        SPANS_DROPPED,
        WORKER_RESTARTS,
        PROCESS_CPU,
        PROCESS_MEMORY,
        PROCESS_FDS,
        PROCESS_THREADS,
        PROCESS_START,
    )
}
"""All of them by name, in the order in which they are shown."""
