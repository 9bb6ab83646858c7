"""Decide the alarms on the new fleet, which roll a deployment back.

Takes a spec of one environment, gives `AlarmPlan`s, the evidence lease and their decisions. Both
fleets publish under the same EndpointName and VariantName, so an alarm on those would dilute a
canary of 10 % tenfold; the dimension `EndpointConfigName` tells the new fleet apart (SageMaker
developer guide, auto-rollback configuration and monitoring). Its value is known only when the
configuration is, so the alarms here lack it and whoever puts them adds it.

SageMaker promotes when a wait ends and no alarm has fired: it has no hold. So absence of evidence
has an alarm of its own, for which missing data is breaching; for the others it is not.
"""

from collections.abc import Iterator
from dataclasses import replace

from modelway.naming import LEASE_NAMESPACE
from modelway.plan.alarms import ERROR_PERCENT, INVOCATION_NAMESPACE, MICROSECONDS_PER_MS
from modelway.plan.decide import DEFAULT_SOURCE, SPEC_SOURCE, chosen
from modelway.plan.model import AlarmPlan, Decision, EvidenceLease, MetricPlan
from modelway.spec.model import ModelSpec, Rollout
from modelway.spec.rules.bake import (
    EVIDENCE_PERIODS,
    METRIC_PERIOD_SECONDS,
    NEW_ERROR_RATE,
    NEW_P99_LATENCY,
    REGRESSION_DATAPOINTS,
    REGRESSION_PERIODS,
    TOO_FEW_REQUESTS,
    watched,
)

LEASE_METRIC = "EvidenceLease"

EVIDENCE = "FILL(SUM([requests, lease]), 0)"
"""SUM over an array takes what is there, where `requests + lease` would be missing with either.
FILL makes a minute without data one of zero requests: CloudWatch looks at older data points in
place of missing ones, so that without it the last lease would keep the alarm quiet for two minutes
more ("Configuring how CloudWatch alarms treat missing data", row `0 - - - -`)."""

LOW_SAMPLE_PERCENTILE = "evaluate"
"""CloudWatch calls a p99 of fewer than 1 000 samples insignificant (10 / (1 - 0.99), "Percentile-
based CloudWatch alarms and low data samples"). `ignore` would make the alarm blind on most
canaries; with `evaluate` a p99 of few samples is the slowest answer: stricter, not laxer."""

_ALARM_SOURCE = "CloudWatch PutMetricAlarm"
_BAKE_SOURCE = "SageMaker developer guide, auto-rollback configuration and monitoring"


def plan_rollback_alarms(
    spec: ModelSpec, endpoint: str, variant: str
) -> tuple[tuple[AlarmPlan, ...], EvidenceLease | None, list[Decision]]:
    """Decide which alarms end a roll-out; none when it has no wait to watch in."""
    if not watched(spec):
        reason = "all at once without rollout.termination_wait_seconds ends the old fleet at once"
        return (), None, [_nothing_watched(reason)]
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    alarms: list[AlarmPlan] = []
    decisions: list[Decision] = []
    latency_ms = spec.objectives.p99_latency_ms
    if latency_ms is not None:
        alarm = _latency(endpoint, dimensions, latency_ms)
        reason = f"objectives.p99_latency_ms is {latency_ms:g}; the metric is in microseconds"
        alarms.append(alarm)
        decisions += _explain(alarm, reason, SPEC_SOURCE)
    rate = spec.objectives.error_rate_percent
    if rate is not None:
        alarm = _errors(endpoint, dimensions, rate)
        reason = f"objectives.error_rate_percent is {rate:g}: 5xx answers of the new fleet alone"
        alarms.append(alarm)
        decisions += _explain(alarm, reason, SPEC_SOURCE)
    least, default = spec.rollout.minimum_requests_per_minute, Rollout().minimum_requests_per_minute
    lease = None
    if least is None:
        decisions.append(_without_evidence())
    else:
        alarm, lease = _evidence(endpoint, dimensions, least)
        reason = f"a new fleet with fewer than {least} request(s) a minute is not tried"
        alarms.append(alarm)
        decisions += _explain(alarm, reason, DEFAULT_SOURCE if least == default else SPEC_SOURCE)
        why = "absence of evidence never promotes: without requests AWS itself rolls back"
        decisions.append(chosen("rollout.minimum_requests_per_minute", least, default, why))
    for alarm in _challengers(spec, endpoint):
        alarms.append(alarm)
        reason = "the objectives hold for every variant that gets requests"
        decisions += _explain(alarm, reason, SPEC_SOURCE)
    if alarms:
        names = ", ".join(alarm.name for alarm in alarms)
        reason = "a bake ends in promotion unless one of these fires; they see the new fleet alone"
        decisions.append(Decision("rollout.rollback_alarms", names, reason, _BAKE_SOURCE))
    else:
        decisions.append(_nothing_watched("the spec has neither objectives nor needs evidence"))
    return tuple(alarms), lease, decisions


def _challengers(spec: ModelSpec, endpoint: str) -> Iterator[AlarmPlan]:
    """Watch the challengers of the new fleet by the same objectives.

    Evidence is demanded of the champion alone: a challenger may have a share too small for that.
    """
    latency_ms, percent = spec.objectives.p99_latency_ms, spec.objectives.error_rate_percent
    for challenger in spec.challengers:
        dimensions = {"EndpointName": endpoint, "VariantName": challenger.name}
        if latency_ms is not None:
            yield _named_after(_latency(endpoint, dimensions, latency_ms), challenger.name)
        if percent is not None:
            yield _named_after(_errors(endpoint, dimensions, percent), challenger.name)


def _named_after(alarm: AlarmPlan, variant: str) -> AlarmPlan:
    return replace(
        alarm,
        key=f"{alarm.key}.{variant}",
        name=f"{alarm.name}.{variant}",
        description=f"{alarm.description} Variant {variant}.",
    )


def _latency(endpoint: str, dimensions: dict[str, str], latency_ms: float) -> AlarmPlan:
    metric = MetricPlan(
        "latency", INVOCATION_NAMESPACE, "ModelLatency", dimensions, "p99", "Microseconds"
    )
    return AlarmPlan(
        key=NEW_P99_LATENCY,
        name=f"{endpoint}-rollout-{NEW_P99_LATENCY}",
        description=(
            f"Roll-out of {endpoint}: on the new fleet, 99 % of answers take less than "
            f"{latency_ms:g} ms of the container's time."
        ),
        metrics=(metric,),
        expression=None,
        period_seconds=METRIC_PERIOD_SECONDS,
        evaluation_periods=REGRESSION_PERIODS,
        datapoints_to_alarm=REGRESSION_DATAPOINTS,
        threshold=latency_ms * MICROSECONDS_PER_MS,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        evaluate_low_sample_count_percentile=LOW_SAMPLE_PERCENTILE,
    )


def _errors(endpoint: str, dimensions: dict[str, str], percent: float) -> AlarmPlan:
    return AlarmPlan(
        key=NEW_ERROR_RATE,
        name=f"{endpoint}-rollout-{NEW_ERROR_RATE}",
        description=(
            f"Roll-out of {endpoint}: on the new fleet, at most {percent:g} % of requests end in "
            "a 5xx."
        ),
        metrics=(
            MetricPlan("errors", INVOCATION_NAMESPACE, "Invocation5XXErrors", dimensions, "Sum"),
            _requests(dimensions),
        ),
        expression=ERROR_PERCENT,
        period_seconds=METRIC_PERIOD_SECONDS,
        evaluation_periods=REGRESSION_PERIODS,
        datapoints_to_alarm=REGRESSION_DATAPOINTS,
        threshold=percent,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
    )


def _evidence(
    endpoint: str, dimensions: dict[str, str], least: int
) -> tuple[AlarmPlan, EvidenceLease]:
    lease = EvidenceLease(
        namespace=LEASE_NAMESPACE,
        name=LEASE_METRIC,
        dimensions=dimensions,
        value=float(least),
        period_seconds=METRIC_PERIOD_SECONDS,
    )
    metric = MetricPlan("lease", lease.namespace, lease.name, dimensions, "Sum")
    alarm = AlarmPlan(
        key=TOO_FEW_REQUESTS,
        name=f"{endpoint}-rollout-{TOO_FEW_REQUESTS}",
        description=(
            f"Roll-out of {endpoint}: the new fleet gets at least {least} request(s) a minute, "
            "so that its bake proves something."
        ),
        metrics=(_requests(dimensions), metric),
        expression=EVIDENCE,
        period_seconds=METRIC_PERIOD_SECONDS,
        evaluation_periods=EVIDENCE_PERIODS,
        datapoints_to_alarm=EVIDENCE_PERIODS,
        threshold=float(least),
        comparison_operator="LessThanThreshold",
        treat_missing_data="breaching",
    )
    return alarm, lease


def _requests(dimensions: dict[str, str]) -> MetricPlan:
    return MetricPlan("requests", INVOCATION_NAMESPACE, "Invocations", dimensions, "Sum")


def _explain(alarm: AlarmPlan, reason: str, source: str) -> list[Decision]:
    """Explain the threshold, the time an alarm takes, and what no data means."""
    path = f"rollout.alarms.{alarm.key}"
    window = (
        f"{alarm.datapoints_to_alarm} of {alarm.evaluation_periods} periods "
        f"of {alarm.period_seconds} s"
    )
    if alarm.treat_missing_data == "breaching":
        why = "minutes in a row without evidence; missing data is breaching, since nothing was seen"
    else:
        why = (
            "one bad minute after a cold start is no regression, two are; missing data is no "
            f"regression either: {TOO_FEW_REQUESTS} watches that"
        )
    decisions = [
        Decision(f"{path}.threshold", alarm.threshold, reason, source),
        Decision(f"{path}.window", window, why, _ALARM_SOURCE),
    ]
    if alarm.evaluate_low_sample_count_percentile is not None:
        decisions.append(
            Decision(
                f"{path}.evaluate_low_sample_count_percentile",
                alarm.evaluate_low_sample_count_percentile,
                "a canary seldom has the 1 000 answers a minute that make a p99 significant; "
                "of fewer than 100 it is the slowest one, which is stricter",
                _ALARM_SOURCE,
            )
        )
    return decisions


def _nothing_watched(why: str) -> Decision:
    reason = f"NOTHING ROLLS BACK A BAD MODEL: {why}"
    return Decision("rollout.rollback_alarms", None, reason, _BAKE_SOURCE)


def _without_evidence() -> Decision:
    return Decision(
        "rollout.minimum_requests_per_minute",
        None,
        "A NEW FLEET THAT NO REQUEST HAS TRIED IS PROMOTED: the spec demands no evidence",
        SPEC_SOURCE,
    )
