"""Arrow types as Spark has them: what pandas frames and Parquet files bring beyond Spark's own."""

from __future__ import annotations

import pyarrow as pa
from pyspark.errors import PySparkTypeError
from pyspark.sql.pandas.types import from_arrow_type

_WIDER = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.null(): pa.string(),
    pa.string_view(): pa.string(),
    pa.binary_view(): pa.binary(),
}
_DIGITS = 38  # of a decimal in Spark


def spark_arrow_type(kind: pa.DataType) -> pa.DataType:
    """The Arrow type that Spark takes for `kind`.

    Raises:
        TypeError: Spark has none.
    """
    if pa.types.is_dictionary(kind):
        return spark_arrow_type(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)  # Spark has microseconds
    if pa.types.is_decimal(kind):
        return pa.decimal128(min(_DIGITS, kind.precision), kind.scale)
    kind = _WIDER.get(kind, kind)
    try:
        from_arrow_type(kind)
    except PySparkTypeError:
        raise TypeError(f"Spark knows no type for {kind}") from None
    return kind
