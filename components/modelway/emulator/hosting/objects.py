"""Reads model data from the emulated S3.

Takes bucket and key, gives bytes, straight from moto's store: it works before the emulator serves
requests and does not depend on credentials. The service's own reads are not subject to the user's
bucket policies here.
"""

import threading

from modelway.emulator.hosting.artifact import Fetch
from modelway.emulator.hosting.patience import locked
from modelway.emulator.services import Services


def reader(services: Services) -> Fetch:
    """Give the function with which hosting reads objects."""

    def fetch(
        bucket_name: str, key: str, prefix: bool, stopping: threading.Event
    ) -> list[tuple[str, bytes]]:
        # Imported late: the store must exist only after the emulator has prepared moto.
        from moto.s3.models import s3_backends

        with locked(services.lock, stopping):
            owner = s3_backends.bucket_accounts.get(bucket_name)
            if owner is None:
                return []
            partition, account = owner
            bucket = s3_backends[account][partition].buckets[bucket_name]
            keys: list[str] = list(bucket.keys)
            names = [name for name in keys if name.startswith(key)] if prefix else [key]
            found = [(name, bucket.keys.get(name)) for name in sorted(names)]
            return [(name, each.value) for name, each in found if each is not None]

    return fetch
