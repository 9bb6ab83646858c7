"""Decide the CloudWatch dashboard of one endpoint.

Takes a spec of one environment and its alarms, gives the body as CloudWatch's "Dashboard body
structure and syntax" describes it, without the region of each widget. Thresholds of alarms are
drawn where their metric is.
"""

from collections.abc import Mapping, Sequence

from modelway.plan.alarms import INVOCATION_NAMESPACE, UTILIZATION_NAMESPACE
from modelway.plan.model import AlarmPlan
from modelway.spec.instances import instance_type
from modelway.spec.model import ModelSpec

PERIOD_SECONDS = 60
"""SageMaker publishes each minute."""

_WIDTH, _HEIGHT = 8, 6
"""Three graphs beside one another fill CloudWatch's grid of 24 columns."""

Line = tuple[str, str, str, str]
"""Namespace, metric, statistic, label."""


def plan_dashboard(
    spec: ModelSpec, environment: str, endpoint: str, variant: str, alarms: Sequence[AlarmPlan]
) -> dict[str, object]:
    """Give the dashboard's body."""
    graphs = [
        _graph("Requests a minute", [_invocation("Invocations", "Sum", "requests")], alarms, ()),
        _graph(
            "Latency (microseconds)",
            [
                _invocation("ModelLatency", "p50", "model p50"),
                _invocation("ModelLatency", "p99", "model p99"),
                _invocation("OverheadLatency", "p99", "overhead p99"),
            ],
            alarms,
            ("p99-latency",),
        ),
        _graph(
            "Failed requests a minute",
            [
                _invocation("Invocation4XXErrors", "Sum", "4xx"),
                _invocation("Invocation5XXErrors", "Sum", "5xx"),
            ],
            alarms,
            (),
        ),
        _graph("CPU (% of one vCPU)", [_usage("CPUUtilization", "Average")], alarms, ("cpu",)),
        _graph("Memory (%)", [_usage("MemoryUtilization", "Maximum")], alarms, ("memory",)),
        _graph("Disk (%)", [_usage("DiskUtilization", "Maximum")], alarms, ("disk",)),
    ]
    machine = instance_type(spec.serving.instance_type)
    if machine is not None and machine.gpus != 0:
        graphs += [
            _graph("GPU (% of one GPU)", [_usage("GPUUtilization", "Average")], alarms, ("gpu",)),
            _graph(
                "GPU memory (% of one GPU)",
                [_usage("GPUMemoryUtilization", "Maximum")],
                alarms,
                ("gpu-memory",),
            ),
        ]
    dimensions = ["EndpointName", endpoint, "VariantName", variant]
    return {
        "start": "-PT3H",
        "periodOverride": "inherit",
        "widgets": [_title(spec, environment), *_placed(graphs, dimensions)],
    }


def _title(spec: ModelSpec, environment: str) -> dict[str, object]:
    """Say what is seen."""
    text = (
        f"# {spec.name} ({environment})\n"
        f"Version {spec.model.version} on {spec.serving.instance_type}, "
        f"from {spec.scaling.min_instances} instance(s)."
    )
    properties = {"markdown": text}
    return {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": properties}


def _graph(
    title: str, lines: Sequence[Line], alarms: Sequence[AlarmPlan], keys: Sequence[str]
) -> tuple[str, Sequence[Line], list[dict[str, object]]]:
    """Collect one graph and the thresholds that belong to it."""
    thresholds: list[dict[str, object]] = [
        {"label": alarm.key, "value": alarm.threshold} for alarm in alarms if alarm.key in keys
    ]
    return title, lines, thresholds


def _placed(
    graphs: Sequence[tuple[str, Sequence[Line], list[dict[str, object]]]], dimensions: list[str]
) -> list[Mapping[str, object]]:
    """Lay the graphs out, three in a row."""
    widgets: list[Mapping[str, object]] = []
    for index, (title, lines, thresholds) in enumerate(graphs):
        properties: dict[str, object] = {
            "title": title,
            "view": "timeSeries",
            "stacked": False,
            "period": PERIOD_SECONDS,
            "metrics": [
                [namespace, metric, *dimensions, {"stat": statistic, "label": label}]
                for namespace, metric, statistic, label in lines
            ],
            "yAxis": {"left": {"min": 0}},
        }
        if thresholds:
            properties["annotations"] = {"horizontal": thresholds}
        row, column = divmod(index, 3)
        widgets.append(
            {
                "type": "metric",
                "x": column * _WIDTH,
                "y": 2 + row * _HEIGHT,
                "width": _WIDTH,
                "height": _HEIGHT,
                "properties": properties,
            }
        )
    return widgets


def _invocation(metric: str, statistic: str, label: str) -> Line:
    return INVOCATION_NAMESPACE, metric, statistic, label


def _usage(metric: str, statistic: str) -> Line:
    return UTILIZATION_NAMESPACE, metric, statistic, metric
