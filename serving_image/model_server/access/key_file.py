"""A new API key into the file of keys, for the command line.

Takes the file's path and what the key may do, gives the key. Never leaves a file that is half
written: the new one takes the old one's place in one step. Must not be used while serving; the gate
reads the file by itself.
"""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from model_server.access.entries import FileUnusable
from model_server.access.keys import new_key, parse_keys


def add_key(
    path: Path, name: str, scopes: Sequence[str] = ("infer",), expires: str | None = None
) -> str:
    """Make a key, add its entry to the file, and give the key, which is nowhere else.

    Args:
        path: the file; made, for its owner alone, where it is absent.
        name: whose key it is.
        scopes: what it may do.
        expires: until when, in RFC 3339. Default for ever.

    Raises:
        ValueError: a name, scope or moment is none, or the file holds no keys; nothing is changed.
        OSError: the file cannot be read or written.
    """
    key, entry = new_key(name, scopes, expires)
    entries: list[object] = []
    path = path.resolve()  # a link stays, and what it points at is replaced
    found = None
    if path.exists():
        found = path.stat()
        data = path.read_bytes()
        try:
            parse_keys(data)
        except FileUnusable as error:
            raise ValueError(f"the file holds something else than keys: {error}") from error
        entries = json.loads(data)
    entries.append(entry)
    text = json.dumps(entries, indent=2) + "\n"
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if found is not None:
                # Whoever could read it before, such as the server's own user, still can.
                os.fchmod(file.fileno(), found.st_mode & 0o777)
                if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), found.st_uid, found.st_gid)
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink()
        raise
    return key
