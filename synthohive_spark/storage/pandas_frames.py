"""pandas frames as Spark frames: through Arrow, so that integers, decimals and dates stay what they are."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from ..errors import SchemaError
from .arrow_types import spark_arrow_type

LARGEST_WHOLE = 2.0**53  # from here on a double does not tell whole numbers apart


def from_pandas(spark: SparkSession, frame: pd.DataFrame, keys: Collection[str] = ()) -> DataFrame:
    """The rows of a pandas frame; its index is left out.

    Args:
        keys: columns of keys: where pandas has made floats of whole numbers because some are missing, they become whole again.

    Raises:
        SchemaError: a column mixes types, or has one that Spark does not know; or two have the same name.
    """
    return spark.createDataFrame(arrow_table(frame, keys))


def arrow_table(frame: pd.DataFrame, keys: Collection[str] = ()) -> pa.Table:
    """The rows of a pandas frame with the types that Spark gives them.

    Raises:
        SchemaError: as for `from_pandas`.
    """
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if repeated := sorted(set(frame.columns[frame.columns.duplicated()])):
        raise SchemaError(f"several columns are named {repeated}; rename all but one")
    folded = {key.casefold() for key in keys}
    columns, faults = {}, []
    for name, values in frame.items():
        try:
            columns[str(name)] = _spark_array(_whole(values) if str(name).casefold() in folded else values)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            # The message of Arrow shows the value that it stumbled over.
            faults.append(
                f"the pandas column {name!r} (of type {values.dtype}) mixes types or has one that Spark does not know; "
                "make it one type or text, or leave it out"
            )
    if faults:
        raise SchemaError("; ".join(faults))
    return pa.table(columns)


def _whole(values: pd.Series) -> pd.Series:
    if values.dtype.kind != "f" or not values.isna().any():
        return values
    known = values.dropna()
    return values.astype("Int64") if (np.abs(known) < LARGEST_WHOLE).all() and (known == np.floor(known)).all() else values


def _spark_array(values: pd.Series) -> pa.Array:
    kind = values.cat.categories.dtype if isinstance(values.dtype, pd.CategoricalDtype) else values.dtype
    if isinstance(kind, pd.PeriodDtype | pd.IntervalDtype):
        if isinstance(values.dtype, pd.CategoricalDtype):
            return _spark_array(values.cat.rename_categories([str(label) for label in values.cat.categories]))
        return pa.array([None if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)], pa.string())
    array = pa.Array.from_pandas(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    target = spark_arrow_type(array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(target, safe=not pa.types.is_timestamp(target))
