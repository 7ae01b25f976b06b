"""Tables of a database as `fit`, `detect` and `copy` take them: frames of Spark that know their keys, comments and lengths of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from ...spec.detection.facts import DeclaredKey
from ...spec.form import COMMENT, LENGTH
from ..sources import TableSource
from .reflection import FoundColumn, FoundTable

FITS = 5_000_000  # cells of a database that come through the driver; past that Spark reads by itself


@dataclass
class DatabaseTable(TableSource):
    """One table.

    Attributes:
        found: what it is.
        rows: all of them, where they fit the driver.
        through_spark: reads them where they do not.
    """

    found: FoundTable
    rows: pa.Table | None = field(repr=False)
    through_spark: Callable[[SparkSession], DataFrame] = field(repr=False)

    @property
    def declared(self) -> Sequence[DeclaredKey]:
        """Its keys."""
        return self.found.declared

    def frame(self, spark: SparkSession) -> DataFrame:
        """Its rows."""
        if self.rows is None:
            frame = self.through_spark(spark)
            for column in frame.schema.fields:
                if said := self._said(column):
                    frame = frame.withMetadata(column.name, said)
            return frame
        schema = from_arrow_schema(self.rows.schema)
        return spark.createDataFrame(self.rows, schema=T.StructType([T.StructField(c.name, c.dataType, True, self._said(c)) for c in schema.fields]))

    def _said(self, column: T.StructField) -> dict[str, str]:
        found: FoundColumn = next(one for one in self.found.columns if one.name == column.name)
        said = {COMMENT: found.comment} if found.comment else {}
        if found.length and isinstance(column.dataType, T.StringType):
            said[LENGTH] = f"varchar({found.length})"
        return said
