"""`spark.read.format("synthohive")`: the rows of one table of a saved model, made where they are read. Nothing is written first.

Spark's API for data sources in Python knows no pruning of columns: a row is made whole, and columns that a query does not name are dropped after that. A
schema of the reader's own, `spark.read.schema(...)`, names the columns that go from Python to Spark.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from ..errors import SchemaError
from ..kernels.chain import Chain
from ..kernels.declare import declared_batch
from ..spec.fitted import FittedSchema
from ..spec.form import TableForm
from ..spec.identifiers import quoted
from ..spec.source_options import SourceOptions
from ..storage.artifacts import load_artifact
from ..storage.references import reference_batches, reference_files, reference_schema
from .chains import ChainPlanner, refuse_chain, table_of
from .models import make_known
from .outputs import key_columns

NAME = "synthohive"
TASKS = 200  # of a read, at most, where `partitions` does not say: Spark's own default


def register_data_source(spark: SparkSession) -> None:
    """Make `spark.read.format("synthohive")` known to a session; of Spark Connect, too, whose server and workers need the package."""
    spark.dataSource.register(SynthoHiveSource)


class SynthoHiveSource(DataSource):
    """Rows of one table of a saved model; the options are those of `SourceOptions`."""

    @classmethod
    def name(cls) -> str:
        """What `format` takes."""
        return NAME

    @cached_property
    def asked(self) -> SourceOptions:
        """The options.

        Raises:
            SchemaError: with all faults of theirs.
        """
        return SourceOptions.parse(self.options)

    def schema(self) -> StructType | str:
        """All columns of the table, as a copy has them.

        Raises:
            SchemaError: an option is wrong, or the model has no such table.
            GenerationError: the rows need those of other tables.
        """
        fitted, table = self._model()
        if table in fitted.references:
            return StructType.fromJson(reference_schema(fitted.references[table], fitted.reference_required.get(table, ())))
        refuse_chain(fitted, table)
        columns = fitted.tables[table].program.shown
        return ", ".join(f"{quoted(name)} {kind}{'' if nullable else ' NOT NULL'}" for name, kind, nullable in columns)

    def reader(self, schema: StructType) -> DataSourceReader:
        """What makes the rows; planned here, on the driver."""
        fitted, table = self._model()
        if table in fitted.references:
            known = StructType.fromJson(reference_schema(fitted.references[table]))
            _check_schema(schema, {field.name: field.dataType.simpleString() for field in known.fields}, table)
            return ReferenceReader(fitted.references[table], schema)
        learnt, asked = fitted.tables[table], self.asked
        _check_schema(schema, learnt.program.types, table)
        told: list[str] = []
        chain = ChainPlanner(fitted, asked.seed, asked.scale, asked.rows, asked.strict, told).plan(table, tuple(schema.fieldNames()))
        for text in told:
            warnings.warn(text, stacklevel=2)
        return MadeReader(chain, schema, fitted.forms.get(table, TableForm()), key_columns(learnt.program), asked.partitions)

    def _model(self) -> tuple[FittedSchema, str]:
        fitted = load_artifact(self.asked.model)
        make_known((), fitted, self.asked.model)
        return fitted, table_of(fitted, self.asked.table)


class Spans(InputPartition):
    """A run of blocks of rows."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__((start, end))


class MadeReader(DataSourceReader):
    """Makes rows block by block."""

    def __init__(self, chain: Chain, schema: StructType, form: TableForm, keys: frozenset[str], partitions: int | None) -> None:
        self._chain, self._schema, self._lengths, self._keys, self._partitions = chain, schema, form.lengths, keys, partitions

    def partitions(self) -> list[InputPartition]:
        """Runs of blocks, of about the same length."""
        blocks = len(self._chain.links[-1].spans[0])
        n = max(1, min(blocks, self._partitions or TASKS))
        edges = [blocks * i // n for i in range(n + 1)]
        return [Spans(start, end) for start, end in zip(edges, edges[1:], strict=False)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of a run."""
        schema = to_arrow_schema(self._schema, timezone="UTC")
        for span in range(*partition.value):
            yield declared_batch(self._chain.block(span), schema, self._lengths, self._keys)


class ReferenceReader(DataSourceReader):
    """Reads a reference table, which is copied as it is."""

    def __init__(self, url: str, schema: StructType) -> None:
        self._url, self._schema = url, schema

    def partitions(self) -> list[InputPartition]:
        """One per file."""
        return [InputPartition(name) for name in reference_files(self._url)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of a file."""
        schema = to_arrow_schema(self._schema, timezone="UTC")
        for batch in reference_batches(self._url, partition.value, schema.names):
            yield pa.RecordBatch.from_arrays([batch.column(field.name).cast(field.type) for field in schema], schema=schema)


def _check_schema(schema: StructType, types: Mapping[str, str], table: str) -> None:
    """A schema of the reader's own has some of the table's columns."""
    wrong = [f for f in schema.fields if types.get(f.name) != f.dataType.simpleString()]
    if wrong:
        told = "; ".join(f"{f.name!r} is no column" if f.name not in types else f"{f.name!r} has the type {types[f.name]}" for f in islice(wrong, 5))
        raise SchemaError(f"table {table!r}: the schema of the reader does not fit: {told}; name columns of the table, in their types")
