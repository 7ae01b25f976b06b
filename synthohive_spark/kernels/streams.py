"""Rows on their way to the driver, as bytes of Arrow: types stay exact, and the driver takes one batch after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

ROWS = "rows"  # the one column


def streamed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as one row that holds its bytes."""
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.record_batch([pa.array([sink.getvalue().to_pybytes()], pa.binary())], names=[ROWS])


def unstreamed(data: bytes) -> pa.Table:
    """The inverse, of one row."""
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        return reader.read_all()
