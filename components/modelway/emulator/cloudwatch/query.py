"""MetricDataQueries: what GetMetricData and an alarm on metric math ask for.

Takes queries in the API's own shape and a way to read one metric, gives a series for each Id. Pure
but for the reader it is handed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelway.emulator.cloudwatch.expression import MathError, Node, names, parse
from modelway.emulator.cloudwatch.functions import Series
from modelway.emulator.cloudwatch.math import Request, evaluate

Read = Callable[[Mapping[str, Any], float, float], Series]
"""Reads a MetricStat between two virtual times: `{period start: value}`."""


@dataclass(frozen=True)
class Result:
    """The answer to one query."""

    query: Mapping[str, Any]
    series: tuple[Series, ...]
    """One series; several where an expression gives an array."""


def is_returned(query: Mapping[str, Any]) -> bool:
    """Tell whether a query's data is part of the answer: ReturnData, true by default."""
    return query.get("ReturnData") is not False


def check(queries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse queries that could never be evaluated.

    Raises:
        MathError: an Id twice, an expression with a wrong syntax, an unknown Id or a cycle.
    """
    _Evaluation(queries, lambda _stat, _start, _end: {}, 0.0, 0.0).run()


def evaluate_queries(
    queries: Sequence[Mapping[str, Any]], read: Read, start: float, end: float
) -> dict[str, Result]:
    """Evaluate every query over [start, end), in virtual seconds; by Id, in the queries' order.

    Raises:
        MathError: as `check` does, and for an expression that gives a number, not a series.
    """
    return _Evaluation(queries, read, start, end).run()


class _Evaluation:
    def __init__(
        self, queries: Sequence[Mapping[str, Any]], read: Read, start: float, end: float
    ) -> None:
        self._queries = {str(query["Id"]): query for query in queries}
        if len(self._queries) != len(queries):
            raise MathError("The values for parameter id in MetricDataQueries are not unique.")
        self._read, self._start, self._end = read, start, end
        self._trees: dict[str, Node] = {}
        self._done: dict[str, Any] = {}
        self._metrics = [name for name, query in self._queries.items() if "MetricStat" in query]

    def run(self) -> dict[str, Result]:
        for name in self._metrics:
            self._done[name] = self._read(self._queries[name]["MetricStat"], self._start, self._end)
        for name in self._queries:
            self._resolve(name, ())
        results = dict[str, Result]()
        for name, query in self._queries.items():
            value = self._done[name]
            if isinstance(value, float):
                raise MathError(
                    f"Error in expression '{query['Expression']}': the result is a number; "
                    "the result of an expression must be a time series"
                )
            results[name] = Result(query, tuple(value) if isinstance(value, list) else (value,))
        return results

    def _resolve(self, name: str, above: tuple[str, ...]) -> None:
        """Evaluate an expression after the expressions that it reads."""
        if name in self._done or name not in self._queries:
            return
        if name in above:
            raise MathError(f"Error in expressions: {' -> '.join((*above, name))} is a cycle")
        query = self._queries[name]
        tree = parse(str(query.get("Expression", "")))
        for needed in sorted(names(tree)):
            self._resolve(needed, (*above, name))
        period = self._period(query)
        count = int((self._end - self._start) // period)
        request = Request(
            series=self._done,
            metrics=self._metrics,
            grid=[self._start + index * period for index in range(count)],
            period_seconds=period,
        )
        self._done[name] = evaluate(tree, request)

    def _period(self, query: Mapping[str, Any]) -> float:
        """An expression's own Period, else the shortest of the metrics, else a minute."""
        if query.get("Period"):
            return float(query["Period"])
        return min(
            (float(self._queries[name]["MetricStat"]["Period"]) for name in self._metrics),
            default=60.0,
        )
