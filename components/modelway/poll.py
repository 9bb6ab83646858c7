"""How often AWS is asked whether it is done.

Takes the environment, gives a pause. Must not wait itself.
"""

import os

from modelway.errors import DeploymentError

POLL_SECONDS = 15.0
"""Pause between two looks at a changing endpoint or a build on AWS. `MODELWAY_POLL_SECONDS`
overrides it; the emulator sets that, because its time may run faster."""


def poll_seconds() -> float:
    """Read the pause between two looks from the environment.

    Raises:
        DeploymentError: `MODELWAY_POLL_SECONDS` is not a number above 0.
    """
    text = os.environ.get("MODELWAY_POLL_SECONDS")
    if text is None:
        return POLL_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise DeploymentError(
            f"waiting for AWS: MODELWAY_POLL_SECONDS is {text!r}; "
            "give a number of seconds above 0, or unset it for 15"
        )
    return seconds
