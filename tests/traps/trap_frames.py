"""Small frames of Spark as pandas ones, with the values that Python has for them."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import DataFrame


def plain(frame: DataFrame) -> pd.DataFrame:
    """The rows of a small copy with Python's own values."""
    return pd.DataFrame([row.asDict() for row in frame.collect()], columns=frame.columns, dtype=object)
