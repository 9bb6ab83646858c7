"""Parts in Parquet: one file of one table, a row for each record.

Takes records, gives bytes, made by pyarrow, which is imported by `Parquet.open`. The columns are
the members of a JSON line; bodies are text, as ``request_encoding`` says: JSON, plain text or
base64.
"""

import io
from typing import Any

from model_server.observe.records import Bodies, Fields, Record

ROW_BYTES = 256
"""What a row takes beside its bodies, roughly."""


class Parquet:
    """Makes Parquet files."""

    suffix = ".parquet"

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.forget()

    def open(self) -> None:
        """Import pyarrow, which takes 0.1 s and 30 MiB."""
        import pyarrow.parquet  # noqa: F401  # for its effect

    def add(self, fields: Fields) -> None:
        """Take a record."""
        record = Record._make(fields)
        request, response = self._bodies.of(record)
        source = record.source
        self.size += ROW_BYTES + len(request.text) + len(response.text)
        row = (
            int(record.time * 1_000_000),
            record.id,
            source.model,
            source.version,
            source.digest,
            source.protocol,
            record.status,
            record.seconds * 1000,
            record.caller,
            record.trace_id or None,
            record.request_type,
            request.encoding,
            request.cut,
            _text(request.encoding, request.text),
            record.response_type,
            response.encoding,
            response.cut,
            _text(response.encoding, response.text),
        )
        self._rows.append(row)

    def finish(self) -> bytes:
        """Give the file and begin a new one."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = _schema(pa)
        columns = zip(*self._rows, strict=True)
        arrays = [
            pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)
        ]
        out = io.BytesIO()
        table = pa.Table.from_arrays(arrays, schema=schema)
        pq.write_table(table, out, compression="zstd")
        self.forget()
        return out.getvalue()

    def forget(self) -> None:
        """Begin a new part."""
        self.size = 0
        self._rows: list[tuple[Any, ...]] = []


def _text(encoding: str, text: bytes) -> str | None:
    return None if encoding in ("none", "withheld") else text.decode()


def _schema(pa: Any) -> Any:
    text = pa.string()
    return pa.schema([
        pa.field("time", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("id", text, nullable=False),
        pa.field("model", text, nullable=False),
        pa.field("version", text, nullable=False),
        pa.field("digest", text, nullable=False),
        pa.field("protocol", text, nullable=False),
        pa.field("status", pa.int32(), nullable=False),
        pa.field("latency_ms", pa.float64(), nullable=False),
        pa.field("caller", text, nullable=False),
        pa.field("trace_id", text),
        pa.field("request_type", text, nullable=False),
        pa.field("request_encoding", text, nullable=False),
        pa.field("request_bytes", pa.int64()),
        pa.field("request", text),
        pa.field("response_type", text, nullable=False),
        pa.field("response_encoding", text, nullable=False),
        pa.field("response_bytes", pa.int64()),
        pa.field("response", text),
    ])  # fmt: skip
