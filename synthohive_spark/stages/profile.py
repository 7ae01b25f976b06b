"""Learn how the columns of tables become codes: counts in Spark, then one `applyInPandas` group per column fits its encoding. Many tables share a job."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ..causes import step
from ..errors import SchemaError
from ..kernels.columns.decimals import EXACT
from ..kernels.columns.fit import COUNTED, Asked, fit_column, fit_encoding, is_number_hint, is_wide
from ..kernels.columns.marks import INFINITE, NAN
from ..kernels.columns.texts import provider_fault
from ..kernels.columns.types import SUPPORTED, is_supported, is_time
from ..kernels.seeds import derive_seed
from ..kernels.text import MAX_LENGTH
from ..spec.config import EncodingConfig
from ..spec.encoding import ColumnHint, TableEncoding
from ..spec.identifiers import quoted
from .entities import ENTITY, has_entities, sketch
from .frames import bound
from .jobs import FRAMES_PER_JOB, told, union_all
from .likeness import with_alike_values

MAX_VALUES = 1_000_000  # of one column that reach its worker, commonest first: some 200 MB as Python strings
HASH_RANGE = 2**31
COLUMNS_PER_JOB = 256  # of all tables that share a job; a wider table has one of its own
_FITTED = "table int, column int, encoding string"
_MICROS_PER = {"HOUR": 3_600_000_000, "MINUTE": 60_000_000, "SECOND": 1_000_000}


@dataclass(frozen=True)
class Profiled:
    """A table whose columns become codes.

    Attributes:
        table: its name.
        data: its rows, with `ENTITY` where a hint counts by it.
        rows: how many there are.
        hints: the columns, in the order of the encoding.
        seed: of the sample.
    """

    table: str
    data: DataFrame
    rows: int
    hints: Sequence[ColumnHint]
    seed: int

    @property
    def asked(self) -> Asked:
        return Asked(self.hints, self.rows, self.seed)


def profile_table(data: DataFrame, *, table: str, rows: int, hints: Sequence[ColumnHint], config: EncodingConfig, seed: int) -> TableEncoding:
    """`profile_tables` for one of them."""
    return profile_tables([Profiled(table, data, rows, tuple(hints), seed)], config)[0]


def profile_tables(tables: Sequence[Profiled], config: EncodingConfig) -> list[TableEncoding]:
    """Fit the encodings of the columns that `hints` names, in their order.

    Numbers are seen in a sample of rows chosen by their hash, categories and nulls in all rows. The result depends on the rows and the seed, not on
    their order or partitions. It runs one Spark job of three shuffles for the encodings of up to `FRAMES_PER_JOB` tables; one before for each table that is
    larger than the sample, and one for each that has columns with more values than codes, so that values that share a code are alike.

    Raises:
        SchemaError: a hint names a column that is not there, a type that is not supported, or a provider that cannot fill the column; all faults are named.
    """
    if faults := [f"table {t.table!r}: " + "; ".join(found) for t in tables if (found := _hint_faults(t.data, t.hints))]:
        raise SchemaError("; ".join(faults))
    return [encoding for batch in _batches(tables) for encoding in _profiled(batch, config)]


def _batches(tables: Sequence[Profiled]) -> Iterator[list[Profiled]]:
    batch: list[Profiled] = []
    for table in tables:
        if batch and (len(batch) == FRAMES_PER_JOB or sum(len(t.hints) for t in (*batch, table)) > COLUMNS_PER_JOB):
            yield batch
            batch = []
        batch.append(table)
    if batch:
        yield batch


def _profiled(tables: Sequence[Profiled], config: EncodingConfig) -> Iterator[TableEncoding]:
    found: dict[tuple[int, int], str] = {}
    there = {number: t for number, t in enumerate(tables) if t.rows and t.hints}
    if there:
        with step(*told("profiling", [t.table for t in there.values()])):
            fit = bound(fit_column, asked={number: t.asked for number, t in there.items()}, config=config)
            lines = _counted(there, config).groupBy("table", "column").applyInPandas(fit, schema=_FITTED).collect()
        found = {(line["table"], line["column"]): line["encoding"] for line in lines}
    for number, t in enumerate(tables):
        columns = [found.get((number, i)) or _without_rows(hint, t, config) for i, hint in enumerate(t.hints)]
        head = TableEncoding(table=t.table, rows=t.rows, columns=()).model_dump_json(exclude={"columns"})
        encoding = TableEncoding.model_validate_json(f'{head[:-1]},"columns":[{",".join(columns)}]}}')
        with step("profiling", t.table):
            yield with_alike_values(partial(_sampled, t.data, t.rows, config, t.seed), encoding) if t.rows else encoding


def _without_rows(hint: ColumnHint, table: Profiled, config: EncodingConfig) -> str:
    empty = pd.DataFrame({name: [0] for name in COUNTED}).assign(text=None, number=None, is_null=True)
    return fit_encoding(empty, hint=hint, config=config, rows=0, seed=table.seed).model_dump_json()


def _sampled(data: DataFrame, rows: int, config: EncodingConfig, seed: int) -> DataFrame:
    """About `config.sample_rows` rows at most, with plain times; where few rows differ, each of them once."""
    share = row_share(data, rows, config.sample_rows)
    sampled = data.where(_in_sample(data, share, seed)) if share < 1 or rows <= config.sample_rows else data.distinct()
    return with_plain_values(sampled)


def with_plain_values(data: DataFrame) -> DataFrame:
    """Plain times, and NaN and the infinities by their marks: pandas would take NaN for null."""
    floats = {name: kind for name, kind in data.dtypes if kind in ("float", "double")}
    plain = with_plain_times(data)
    if not floats:
        return plain
    return plain.select(*(_marked(F.col(quoted(n)), floats[n]).alias(n) if n in floats else F.col(quoted(n)) for n in plain.columns))


def _marked(cell: Column, kind: str) -> Column:
    infinite = F.when(cell == math.inf, F.lit(INFINITE).cast(kind)).when(cell == -math.inf, F.lit(-INFINITE).cast(kind))
    return F.when(F.isnan(cell), F.lit(NAN).cast(kind)).otherwise(F.coalesce(infinite, cell))


def with_plain_times(data: DataFrame) -> DataFrame:
    """Time stamps as integer microseconds, as `encode_frame` takes them: pandas would see them in the session's time zone, and overflow after the year 2262."""
    times = {name: kind for name, kind in data.dtypes if is_time(kind)}
    return data.select(*[plain_number(F.col(quoted(n)), times[n]).alias(n) if n in times else F.col(quoted(n)) for n in data.columns]) if times else data


def _hint_faults(data: DataFrame, hints: Sequence[ColumnHint]) -> list[str]:
    faults = []
    for hint in hints:
        if hint.name not in data.columns:
            faults.append(f"column {hint.name!r} is missing; found {data.columns}")
        elif not is_supported(hint.spark_type):
            faults.append(f"column {hint.name!r} has the type {hint.spark_type}; supported are {', '.join(SUPPORTED)}")
        elif hint.kind == "text" and hint.provider is not None:
            fault = provider_fault(hint.provider, hint.spark_type)
            faults += [f"column {hint.name!r}: {fault}"] if fault else []
        elif hint.kind == "text" and hint.spark_type != "string":
            faults.append(f"column {hint.name!r} of type {hint.spark_type} cannot be made of letters and digits; name a Faker provider that gives such values")
    return faults


def row_share(data: DataFrame, rows: int, sample_rows: int) -> float:
    """The share of rows to sample, in (0, 1]. Equal rows have equal hashes: where few rows differ, all of them are counted, which is cheap just then."""
    if rows <= sample_rows:
        return 1.0
    different = data.agg(F.approx_count_distinct(row_hash(data, 0))).collect()[0][0]
    return sample_rows / rows if different > sample_rows else 1.0


def row_hash(data: DataFrame, seed: int) -> Column:
    names = sorted(name for name, kind in data.dtypes if is_supported(kind) and name != ENTITY)
    return F.xxhash64(F.lit(derive_seed(seed, "profile")), *[F.col(quoted(name)) for name in names])


def _in_sample(data: DataFrame, share: float, seed: int) -> Column:
    return F.lit(True) if share >= 1 else F.pmod(row_hash(data, seed), F.lit(HASH_RANGE)) < int(share * HASH_RANGE)


def _counted(tables: Mapping[int, Profiled], config: EncodingConfig) -> DataFrame:
    """The counted frame that `kernels.columns.fit` describes."""
    cells = union_all([_cells(number, t, row_share(t.data, t.rows, config.sample_rows)) for number, t in tables.items()])
    # Numbers outside the sample are known by their total: only their nulls are counted.
    cells = cells.where(F.col("is_null") | F.col("text").isNotNull() | F.col("in_sample"))
    key = ("table", "column", "always", "text", "number", "is_null")
    least = config.min_category_rows
    owned = least > 1 and any(hint.by_entity for t in tables.values() for hint in t.hints)
    sketches = [column.alias(name) for name, column in sketch(F.col("entity"), least).items()] if owned else []
    counts = cells.groupBy(*key).agg(F.count(F.lit(1)).alias("n"), F.sum(F.col("in_sample").cast("long")).alias("sampled"), *sketches)
    told = (F.col("n") >= least) & (has_entities(least) if owned else F.lit(True))
    shown = F.when(F.col("kept"), F.col("text")).when(F.col("sampled") > 0, F.substring("text", 1, MAX_LENGTH))
    lines = (
        counts.withColumn("kept", told | F.col("always"))
        .withColumn("text", shown)
        .withColumn("number", F.when(F.col("kept") | (F.col("sampled") > 0), F.col("number")))
        .groupBy("table", "column", "text", "number", "is_null", "kept")
        .agg(F.sum("n").alias("n"), F.sum("sampled").alias("sampled"), F.count(F.lit(1)).alias("distinct"))
    )
    order = [F.desc("is_null"), F.asc(F.col("text").isNotNull() | F.col("number").isNotNull()), F.desc("n"), F.asc("text"), F.asc("number")]
    ranked = lines.withColumn("rank", F.row_number().over(Window.partitionBy("table", "column").orderBy(*order)))
    return ranked.where(F.col("rank") <= MAX_VALUES).select(*COUNTED)


def _cells(number: int, table: Profiled, share: float) -> DataFrame:
    """The cells of a table as (table, column, always, text, number, is_null, entity, in_sample)."""
    sampled = _in_sample(table.data, share, table.seed)
    entries = [_entry(i, hint, sampled) for i, hint in enumerate(table.hints)]
    cells = table.data.select(F.explode(F.array(*entries)).alias("cell"), sampled.alias("in_sample"))
    return cells.select(F.lit(number).alias("table"), "cell.*", "in_sample")


def _entry(index: int, hint: ColumnHint, sampled: Column) -> Column:
    """One cell as (column, always, text, number, is_null, entity); of numbers of many digits the sampled ones have their text too."""
    cell = F.col(quoted(hint.name))
    is_null = cell.isNull()
    if is_wide(hint):
        text = F.when(sampled & (~cell.between(-EXACT, EXACT) if hint.spark_type == "bigint" else F.lit(True)), cell)
    else:
        text = F.lit(None) if is_number_hint(hint) else plain_number(cell, hint.spark_type) if is_time(hint.spark_type) else cell
    number = F.lit(None) if hint.spark_type in ("string", "boolean") else _number(cell, hint.spark_type)
    return F.struct(
        F.lit(index).alias("column"),
        F.lit(hint.keep_rare or hint.spark_type == "boolean").alias("always"),
        F.when(~is_null, text.cast("string")).alias("text"),
        F.when(~is_null, number.cast("double")).alias("number"),
        is_null.alias("is_null"),
        (F.col(quoted(hint.entity or ENTITY)) if hint.by_entity else F.lit(None).cast("bigint")).alias("entity"),
    )


def plain_number(cell: Column, spark_type: str) -> Column:
    """Days and microseconds since 1970-01-01; other numbers as they are."""
    if spark_type == "date":
        return F.unix_date(cell)
    if spark_type == "timestamp":
        return F.unix_micros(cell)
    if spark_type == "timestamp_ntz":
        # A cast to `timestamp` would go through the session's time zone, where some hours do not exist.
        days = F.unix_date(cell.cast("date")).cast("long") * 24 * _MICROS_PER["HOUR"]
        parts = [(F.date_part(F.lit(unit), cell) * F.lit(micros).cast("long")).cast("long") for unit, micros in _MICROS_PER.items()]
        return reduce(lambda total, part: total + part, parts, days)
    return cell


def _number(cell: Column, spark_type: str) -> Column:
    """The same in the float64 domain, with marks for what is no finite number."""
    return (_marked(cell, spark_type) if spark_type in ("float", "double") else plain_number(cell, spark_type)).cast("double")
