"""Where parts go: a local folder, or objects in S3.

Takes names and bytes. S3 is reached through botocore, with the credentials, region and endpoint
that its own standard chain finds; it is imported when the store is opened.
"""

import os
import time
from typing import Any

from model_server.observe.errors import SinkFailed
from model_server.observe.sinks.aws import client
from model_server.observe.sinks.folder import Folder, Names


class FolderStore:
    """Parts as files that appear whole."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def open(self) -> None:
        """Make the folder ready."""
        try:
            self._folder.open()
        except OSError as error:
            raise SinkFailed(f"the folder cannot be used: {error.strerror}") from error

    def name(self, begun: float, suffix: str) -> str:
        """Give the suffix: the folder makes the name."""
        del begun
        return suffix

    def put(self, name: str, data: bytes) -> None:
        """Write a file."""
        try:
            self._folder.make_room(len(data))
            path, descriptor = self._folder.create(name)
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(descriptor, left) :]
                self._folder.finish(path)
            except OSError:
                path.unlink(missing_ok=True)
                raise
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SinkFailed(f"a file could not be written: {error.strerror}") from error


class S3Store:
    """Parts as objects ``prefix/yyyy/mm/dd/hh/name``, by the hour of their first record.

    Args:
        bucket: the bucket's name.
        prefix: before the date, without slashes at its ends; may be empty.
        **options: for botocore's client, in tests.
    """

    def __init__(self, bucket: str, prefix: str, **options: Any) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._options = options
        self._names = Names()
        self._client: Any = None

    def open(self) -> None:
        """Make the client; the bucket is asked for nothing before there is something to put."""
        self._client = client("s3", **self._options)

    def name(self, begun: float, suffix: str) -> str:
        """Give a new key."""
        hour = time.strftime("%Y/%m/%d/%H", time.gmtime(begun))
        return f"{self._prefix}{hour}/{self._names.next()}{suffix}"

    def put(self, name: str, data: bytes) -> None:
        """Put an object; a second try puts the same one again."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=name, Body=data)
        except Exception as error:
            # botocore's errors share no base but Exception, and urllib3's may pass through.
            raise SinkFailed(f"S3 took no object: {error}") from error
