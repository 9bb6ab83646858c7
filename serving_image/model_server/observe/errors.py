"""What goes wrong while the server tells of itself.

::

    Exception
    ├── ObserveUnusable    a part that was switched on cannot work; said at the start
    └── SinkFailed         records could not be written now; tried again

Neither ever reaches a caller.
"""


class ObserveUnusable(Exception):
    """A part that was switched on cannot work here; the message says what to do."""


class SinkFailed(Exception):
    """What was to be written could not be; it is kept and tried again."""
