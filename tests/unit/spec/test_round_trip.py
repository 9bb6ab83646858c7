"""Every valid spec survives being written to YAML and read again."""

import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelway.spec import ModelSpec, load_spec

NAMES = st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,12}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)
PERCENT = st.floats(0.5, 99.5)


def optional(strategy):
    return st.none() | strategy


TENSORS = st.lists(
    st.fixed_dictionaries(
        {
            "name": TEXTS,
            "datatype": st.sampled_from(["FP32", "INT64", "BYTES"]),
            "shape": st.lists(st.integers(-1, 4096), max_size=4),
        }
    ),
    max_size=2,
)
SCHEDULES = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES, "schedule": TEXTS, "timezone": TEXTS},
        optional={"min_instances": st.integers(1, 9), "max_instances": st.integers(1, 9)},
    ),
    max_size=2,
)
MODEL = st.fixed_dictionaries(
    {"path": st.just("s3://bucket/model.tar.gz")},
    optional={"version": TEXTS, "inputs": TENSORS, "outputs": TENSORS},
)
CHALLENGERS = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES, "model": MODEL, "traffic_percent": PERCENT},
        optional={"min_instances": optional(st.integers(1, 9))},
    ),
    max_size=2,
)
PARTS = {
    "challengers": CHALLENGERS,
    "shadow": optional(
        st.fixed_dictionaries({"model": MODEL}, optional={"sampling_percent": PERCENT})
    ),
    "serving": st.fixed_dictionaries(
        {},
        optional={
            "instance_type": TEXTS,
            "environment": st.dictionaries(TEXTS, TEXTS, max_size=3),
            "volume_gib": optional(st.integers(1, 512)),
            "startup_timeout_seconds": optional(st.integers(60, 3600)),
        },
    ),
    "scaling": st.fixed_dictionaries(
        {},
        optional={
            "min_instances": st.integers(1, 9),
            "target_invocations_per_instance_per_minute": st.floats(0.1, 1e6),
            "schedules": SCHEDULES,
        },
    ),
    "objectives": st.fixed_dictionaries(
        {}, optional={"p99_latency_ms": optional(st.floats(0.1, 60_000))}
    ),
    "alarms": st.fixed_dictionaries(
        {}, optional={"notify": st.lists(TEXTS, max_size=3), "cpu_utilization_percent": PERCENT}
    ),
    "rollout": st.fixed_dictionaries(
        {},
        optional={
            "strategy": st.sampled_from(["all-at-once", "canary", "linear", "rolling"]),
            "step_percent": optional(st.integers(1, 100)),
        },
    ),
    "data_capture": optional(
        st.fixed_dictionaries({}, optional={"sampling_percent": st.integers(0, 100)})
    ),
    "network": st.fixed_dictionaries({}, optional={"isolation": st.booleans()}),
    "tags": st.dictionaries(TEXTS, TEXTS, max_size=3),
}
SPECS = st.fixed_dictionaries(
    {"name": NAMES, "model": MODEL},
    optional={
        **PARTS,
        "environments": st.dictionaries(
            NAMES, st.fixed_dictionaries({}, optional=PARTS), max_size=2
        ),
    },
)


@settings(deadline=None)
@given(SPECS)
def test_a_spec_that_is_written_and_read_is_the_same(data):
    spec = ModelSpec.model_validate(data)
    text = yaml.safe_dump(spec.model_dump(mode="json"), allow_unicode=True)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        read = load_spec(path)

    assert read == spec
    for environment in [*spec.environments, "another"]:
        assert read.for_environment(environment) == spec.for_environment(environment)


@given(SPECS)
def test_merging_nothing_changes_nothing(data):
    spec = ModelSpec.model_validate({**data, "environments": {}})

    assert spec.for_environment("prod") == spec
