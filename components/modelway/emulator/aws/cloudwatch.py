"""CloudWatch: moto keeps alarms and dashboards, the emulator measures and evaluates.

Takes the shared services; changes moto's CloudWatch and starts the evaluation of alarms.
Dashboards, tags and the enabling of actions stay moto's.
"""

from modelway.emulator.cloudwatch.alarm_api import AlarmApi
from modelway.emulator.cloudwatch.evaluator import AlarmEvaluator
from modelway.emulator.cloudwatch.metric_api import MetricApi
from modelway.emulator.cloudwatch.states import AlarmStates
from modelway.emulator.services import Services


def install(services: Services) -> None:
    """Extend moto's CloudWatch; once, before serving."""
    MetricApi(services).install()
    AlarmApi(services).install()
    evaluator = AlarmEvaluator(services)
    services.alarms = AlarmStates(evaluator)
    evaluator.start()
