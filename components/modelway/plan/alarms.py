"""Decide the alarms: metric, statistic, threshold, periods, and what missing data means.

Takes a spec of one environment, gives `AlarmPlan`s and their decisions. Metrics, units and
dimensions are those of "Amazon SageMaker metrics in Amazon CloudWatch" (SageMaker developer guide):
invocation metrics are in `AWS/SageMaker`, utilisation is in `/aws/sagemaker/Endpoints`, both with
EndpointName and VariantName; latency is in microseconds; CPU and GPU figures are summed over cores
and GPUs, so that four busy vCPUs are 400 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from modelway.plan.decide import DEFAULT_SOURCE, SPEC_SOURCE
from modelway.plan.model import AlarmPlan, Decision, MetricPlan
from modelway.spec.instances import InstanceType, instance_type
from modelway.spec.model import Alarms, ModelSpec
from modelway.spec.rules.bake import METRIC_PERIOD_SECONDS

INVOCATION_NAMESPACE = "AWS/SageMaker"
"""Latency, counts and errors of requests."""

UTILIZATION_NAMESPACE = "/aws/sagemaker/Endpoints"
"""CPU, memory, disk and GPU of the instances."""

OBJECTIVE_KEYS = ("p99-latency", "error-rate")
"""Alarms of the objectives on the variant; no roll-out starts while one of these fires."""

ERROR_PERCENT = "IF(requests > 0, 100 * errors / requests, 0)"
"""Errors as a percentage of requests, over metrics with these two ids."""

OBJECTIVE_PERIODS = 3
OBJECTIVE_DATAPOINTS = 2
"""An objective's alarm looks at three minutes and fires when two are bad: one bad minute, or one
failed request at little traffic, does not wake anybody."""

UTILIZATION_PERIODS = 5
"""Utilisation must be high for five minutes: autoscaling should have answered by then."""

MICROSECONDS_PER_MS = 1000
"""ModelLatency is in microseconds."""

_METRICS_SOURCE = "SageMaker developer guide, CloudWatch metrics"


@dataclass(frozen=True)
class _Watch:
    """What all alarms of one endpoint share."""

    endpoint: str
    dimensions: Mapping[str, str]

    def metric(
        self, identifier: str, namespace: str, name: str, statistic: str, unit: str | None
    ) -> MetricPlan:
        return MetricPlan(identifier, namespace, name, self.dimensions, statistic, unit)


@dataclass(frozen=True)
class _Usage:
    """One utilisation metric, which `units` of an instance add up to."""

    key: str
    metric: str
    statistic: str
    units: int = 1
    noun: str = ""

    @property
    def id(self) -> str:
        return self.key.replace("-", "_")

    @property
    def field(self) -> str:
        return f"{self.id}_utilization_percent"


def plan_alarms(
    spec: ModelSpec, endpoint: str, variant: str
) -> tuple[tuple[AlarmPlan, ...], list[Decision]]:
    """Decide all alarms of an endpoint that the spec asks for."""
    watch = _Watch(endpoint, {"EndpointName": endpoint, "VariantName": variant})
    alarms: list[AlarmPlan] = []
    decisions: list[Decision] = []
    for made in (*_objectives(spec, watch), *_traffic(spec, watch), *_utilization(spec, watch)):
        alarm, reasons = made
        alarms.append(alarm)
        decisions += reasons
    return tuple(alarms), decisions


def _objectives(spec: ModelSpec, watch: _Watch) -> list[tuple[AlarmPlan, list[Decision]]]:
    """Watch what the service promises."""
    found: list[tuple[AlarmPlan, list[Decision]]] = []
    latency_ms = spec.objectives.p99_latency_ms
    if latency_ms is not None:
        metric = watch.metric(
            "latency", INVOCATION_NAMESPACE, "ModelLatency", "p99", "Microseconds"
        )
        alarm = _alarm(
            watch,
            "p99-latency",
            f"99 % of answers take less than {latency_ms:g} ms of the container's time",
            metric,
            threshold=latency_ms * MICROSECONDS_PER_MS,
        )
        reason = f"objectives.p99_latency_ms is {latency_ms:g}; the metric is in microseconds"
        found.append((alarm, _explain(alarm, reason, _METRICS_SOURCE)))
    rate = spec.objectives.error_rate_percent
    if rate is not None:
        found.append(_rate(watch, "error-rate", "Invocation5XXErrors", "5xx", rate))
    return found


def _traffic(spec: ModelSpec, watch: _Watch) -> list[tuple[AlarmPlan, list[Decision]]]:
    """Watch what clients do."""
    found: list[tuple[AlarmPlan, list[Decision]]] = []
    rate = spec.alarms.client_error_rate_percent
    if rate is not None:
        found.append(_rate(watch, "client-error-rate", "Invocation4XXErrors", "4xx", rate))
    minutes = spec.alarms.no_invocations_minutes
    if minutes is not None:
        metric = watch.metric("requests", INVOCATION_NAMESPACE, "Invocations", "Sum", None)
        alarm = _alarm(
            watch,
            "no-invocations",
            f"A request came within the last {minutes} min",
            metric,
            threshold=1.0,
            periods=minutes,
            datapoints=minutes,
            comparison="LessThanThreshold",
            missing="breaching",
        )
        reason = f"no request in {minutes} periods of a minute; an idle endpoint publishes nothing"
        found.append((alarm, _explain(alarm, reason, _METRICS_SOURCE)))
    return found


def _utilization(spec: ModelSpec, watch: _Watch) -> list[tuple[AlarmPlan, list[Decision]]]:
    """Watch the instances.

    CPU and GPU by the mean over instances, since load is shared; memory and disk by the fullest
    instance, since that one fails.
    """
    wanted, default = spec.alarms, Alarms()
    machine = spec.serving.instance_type
    vcpus, gpus = _counts(instance_type(machine))
    rows = (
        _Usage("cpu", "CPUUtilization", "Average", vcpus, "vCPUs"),
        _Usage("memory", "MemoryUtilization", "Maximum"),
        _Usage("disk", "DiskUtilization", "Maximum"),
        _Usage("gpu", "GPUUtilization", "Average", gpus, "GPUs"),
        _Usage("gpu-memory", "GPUMemoryUtilization", "Maximum", gpus, "GPUs"),
    )
    found: list[tuple[AlarmPlan, list[Decision]]] = []
    for row in rows:
        percent: float | None = getattr(wanted, row.field)
        if percent is None:
            continue
        metric = watch.metric(row.id, UTILIZATION_NAMESPACE, row.metric, row.statistic, "Percent")
        alarm = _alarm(
            watch,
            row.key,
            f"{row.key} utilisation stays below {percent:g} %",
            metric,
            threshold=percent * row.units,
            periods=UTILIZATION_PERIODS,
            datapoints=UTILIZATION_PERIODS,
        )
        given = percent != getattr(default, row.field)
        why = f"{percent:g} % as the spec says" if given else f"{percent:g} %: trouble soon"
        if row.noun:
            why += f"; {machine} has {row.units} {row.noun} and the metric is their sum"
        source = _METRICS_SOURCE if row.noun else SPEC_SOURCE if given else DEFAULT_SOURCE
        found.append((alarm, _explain(alarm, why, source)))
    return found


def _counts(machine: InstanceType | None) -> tuple[int, int]:
    """Give vCPUs and GPUs of an instance; the rules refuse unknown types before this."""
    if machine is None:
        return 1, 1
    return machine.vcpus, machine.gpus or 1


def _rate(
    watch: _Watch, key: str, metric: str, kind: str, percent: float
) -> tuple[AlarmPlan, list[Decision]]:
    """Watch errors as a share of requests."""
    errors = watch.metric("errors", INVOCATION_NAMESPACE, metric, "Sum", None)
    requests = watch.metric("requests", INVOCATION_NAMESPACE, "Invocations", "Sum", None)
    alarm = _alarm(
        watch,
        key,
        f"Fewer than {percent:g} % of requests end in a {kind}",
        errors,
        requests,
        expression=ERROR_PERCENT,
        threshold=percent,
    )
    reason = (
        f"{kind} answers as a percentage of requests; {OBJECTIVE_DATAPOINTS} of "
        f"{OBJECTIVE_PERIODS} minutes must be bad, so one failure at little traffic is no alarm"
    )
    return alarm, _explain(alarm, reason, _METRICS_SOURCE)


def _alarm(
    watch: _Watch,
    key: str,
    promise: str,
    *metrics: MetricPlan,
    threshold: float,
    expression: str | None = None,
    periods: int = OBJECTIVE_PERIODS,
    datapoints: int = OBJECTIVE_DATAPOINTS,
    comparison: str = "GreaterThanThreshold",
    missing: str = "notBreaching",
) -> AlarmPlan:
    """Fill in what most alarms share. No data means no traffic, which is no fault by itself."""
    return AlarmPlan(
        key=key,
        name=f"{watch.endpoint}-{key}",
        description=f"Endpoint {watch.endpoint}: fires when this no longer holds: {promise}.",
        metrics=metrics,
        expression=expression,
        period_seconds=METRIC_PERIOD_SECONDS,
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints,
        threshold=threshold,
        comparison_operator=comparison,
        treat_missing_data=missing,
    )


def _explain(alarm: AlarmPlan, reason: str, source: str) -> list[Decision]:
    """Explain the threshold and the time an alarm takes."""
    path = f"alarms.{alarm.key}"
    window = (
        f"{alarm.datapoints_to_alarm} of {alarm.evaluation_periods} periods "
        f"of {alarm.period_seconds} s"
    )
    return [
        Decision(f"{path}.threshold", alarm.threshold, reason, source),
        Decision(
            f"{path}.window",
            window,
            f"SageMaker publishes each minute; missing data is {alarm.treat_missing_data}",
            _METRICS_SOURCE,
        ),
    ]
