"""How long AWS's side of hosting takes, and how long a container may take.

Constants, and one pause that depends on the time scale. Times of the control plane are virtual:
`--time-scale` shortens them. Times of processes are real: a slow model must look slow at any time
scale.
"""

PROVISION_VIRTUAL_SECONDS = 120.0
"""From the call until the containers of a new instance are started. AWS promises nothing; two
minutes is the low end of what endpoint creations with a small image take (5 minutes is common,
amazon-sagemaker-examples' notebooks say "about 5-10 minutes"), so that waits and time-outs of a
deployment are exercised and a rehearsal at the default time scale stays bearable."""

REWEIGH_VIRTUAL_SECONDS = 15.0
"""A change of weights or a removal of instances: nothing has to be provisioned."""

DELETE_VIRTUAL_SECONDS = 10.0
"""From the last container's end until DescribeEndpoint no longer finds the endpoint."""

WATCH_VIRTUAL_SECONDS = 5.0
"""Between two looks at the alarms of a bake. Alarms change once a minute at most."""

SHORTEST_WATCH_SECONDS = 0.02
"""Real time between two looks, however fast the clock runs."""

LONGEST_WATCH_SECONDS = 0.5
"""The same where it runs slowly, so that nobody waits for a stop or a roll-back."""

FAILURE_REASON_CHARACTERS = 1024
"""The longest FailureReason (botocore, sagemaker, FailureReason)."""


def watch_virtual_seconds(time_scale: float) -> float:
    """Give the virtual time between two looks at the alarms of a bake."""
    shortest, longest = SHORTEST_WATCH_SECONDS * time_scale, LONGEST_WATCH_SECONDS * time_scale
    return min(max(WATCH_VIRTUAL_SECONDS, shortest), longest)


PING_INTERVAL_SECONDS = 1.0
"""Real time between health checks of a container that is in service."""

PING_TIMEOUT_SECONDS = 2.0
"""Real time for one answer of /ping (SageMaker developer guide, "Custom Inference Code with
Hosting Services", read 2026-11)."""

FIRST_PINGS_SECONDS = 0.1
"""Real time between health checks of a container that is starting."""

STARTUP_SECONDS = 480.0
"""Real time until the first passed health check, where the variant sets no
ContainerStartupHealthCheckTimeoutInSeconds (the same page: 8 minutes; older copies say 4)."""

EXITS_BEFORE_GIVING_UP = 3
"""A container that ended so often before its first passed health check will not pass one. AWS goes
on restarting it until the whole start-up time is over; the verdict is the same, only later."""

PINGS_BEFORE_UNHEALTHY = 2
"""Failed health checks in a row that take a container out of routing: one alone may be a long
pause of the machine."""

PINGS_BEFORE_RESTART = 10
"""Failed health checks in a row after which a container that still runs is replaced."""

RESTART_PAUSES_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Real time before a container is started again, by how often it ended since it was healthy."""

STOP_SECONDS = 30.0
"""Real time between SIGTERM and SIGKILL (the same page)."""

CONNECT_SECONDS = 0.25
"""Real time for a container to accept a connection (the same page: 250 ms)."""

INVOKE_SECONDS = 60.0
"""Real time for a container to answer /invocations (the same page)."""

UTILIZATION_VIRTUAL_SECONDS = 60.0
"""AWS publishes utilisation once a minute."""
