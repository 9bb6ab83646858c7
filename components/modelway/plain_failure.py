"""Failures of dynamic resources, told without tracebacks.

Takes whatever a provider does, gives its errors on as they are. `pulumi.dynamic` reports a failure
as the traceback of its plugin process (sdk/python/lib/pulumi/dynamic/__main__.py); for an error
that is meant for the user, only the message helps.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from modelway.errors import ModelwayError


@contextmanager
def told_plainly() -> Iterator[None]:
    """Let modelway's own errors leave the plugin process as their message alone."""
    try:
        yield
    except ModelwayError as error:
        # Set at the failure and not before, because the process may serve other resources too.
        sys.tracebacklimit = 0
        raise error from None
