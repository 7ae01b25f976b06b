"""Real tables beside synthetic ones: likeness, keys, ceilings. All from Spark aggregates that come to the same integers under any partitioning.

Four Spark jobs for a whole schema: row counts; grids, on a bounded sample of the real rows; counts on the grids, both sides; keys (in `validate_keys.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import combinations
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..errors import SchemaError
from ..kernels.seeds import derive_seed
from ..kernels.statistics import CODE, COUNTS_DDL, LABEL, MOMENT, PAIR, PLAN_DDL, STRIDE, ColumnPlan, Kind, TablePlan, partial_counts, plan_columns
from ..spec.findings import Findings, TableFinding
from ..spec.identifiers import quoted
from ..spec.metadata import Metadata, Table
from .validate_keys import key_findings, primary_key_faults
from .validate_tables import Counts, TableSides, table_finding

SAMPLE_ROWS = 100_000  # quantiles of that many rows are off by 0.3 % at most; one executor task holds them
MAX_PAIRS = 2_000  # contingency tables of more column pairs would need over 50 MB per task
TEXT_SHARE, TEXT_VALUES = 0.5, 50  # strings with more distinct values than both are text: names, addresses, comments
_GAP_UNIT = 10**12  # gaps are summed as integers: sums of floats depend on their order
_HASH_RANGE = 2**31


@dataclass(frozen=True)
class _Scored:
    """A learnt table, and which of its columns are compared."""

    spec: Table
    index: int
    real: DataFrame
    synthetic: DataFrame
    sizes: TableSides
    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]
    left_out: dict[str, str]


def validate(metadata: Metadata, real: Mapping[str, DataFrame], synthetic: Mapping[str, DataFrame], *, seed: int = 0) -> Findings:
    """Compare synthetic tables with the real ones.

    Args:
        metadata: keys and roles. Columns of keys, text that hardly repeats, and `pii_cols` get no likeness score; reference tables get none at all.
        real: one frame per table of `metadata`.
        synthetic: one frame per table, with the same columns (more are ignored).
        seed: of the random halves that the ceilings come from.

    Raises:
        SchemaError: a table or a column is missing on one side; all of them are named.
    """
    _check(metadata, real, synthetic)
    sizes, text = _sizes(metadata, real, synthetic)
    scored = [
        _scored(spec, i, real[name], synthetic[name], sizes[name], text.get(name, frozenset()))
        for i, (name, spec) in enumerate(metadata.tables.items())
        if spec.role == "learnt"
    ]
    scored, plans = _plans(scored, seed)
    counts = _counts([t for t in scored if t.columns], plans)
    by_name = {t.spec.name: t for t in scored}
    broken = primary_key_faults(metadata, synthetic)
    tables = []
    for name, spec in metadata.tables.items():
        duplicates, nulls = broken.get(name, (0, 0))
        base = TableFinding(
            table=name,
            role=spec.role,
            rows_real=sizes[name].real,
            rows_synthetic=sizes[name].synthetic,
            duplicate_keys=duplicates,
            null_keys=nulls,
            columns=(),
            pairs=(),
            correlations=(),
        )
        if table := by_name.get(name):
            base = base.model_copy(update={"left_out": table.left_out})
            if table.columns:
                base = table_finding(base, table.columns, plans[table.index], counts[table.index], seed=seed)
        tables.append(base)
    return Findings.of(tuple(tables), key_findings(metadata, real, synthetic, seed=seed))


def _check(metadata: Metadata, real: Mapping[str, DataFrame], synthetic: Mapping[str, DataFrame]) -> None:
    faults = []
    for side, frames in (("real", real), ("synthetic", synthetic)):
        for name, table in metadata.tables.items():
            if name not in frames:
                faults.append(f"there is no {side} table {name!r}; found {sorted(frames)}")
                continue
            needed = {*table.key_columns, *(real[name].columns if name in real else ())}
            missing = sorted(needed - set(frames[name].columns))
            if missing:
                faults.append(f"the {side} table {name!r} has no columns {missing}")
    if faults:
        raise SchemaError("; ".join(faults))


def _sizes(metadata: Metadata, real: Mapping[str, DataFrame], synthetic: Mapping[str, DataFrame]) -> tuple[dict[str, TableSides], dict[str, frozenset[str]]]:
    """Rows of each table, and which of its string columns are text. Tables that fit into the sample are told apart there, exactly."""
    parts, strings = [], {}
    for name, table in metadata.tables.items():
        fields = [f.name for f in real[name].schema.fields if isinstance(f.dataType, T.StringType) and f.name not in table.key_columns]
        strings[name] = fields if table.role == "learnt" else []
        both = [(F.approx_count_distinct(_col(c)), F.count(_col(c))) for c in strings[name]]
        distinct, known = (F.array(*(pair[i].cast("long") for pair in both)) if both else F.array().cast("array<long>") for i in (0, 1))
        parts.append(real[name].agg(F.lit(name).alias("name"), F.lit(False).alias("fake"), F.count(F.lit(1)).alias("n"), distinct.alias("d"), known.alias("k")))
        none = F.array().cast("array<long>")
        parts.append(synthetic[name].agg(F.lit(name).alias("name"), F.lit(True).alias("fake"), F.count(F.lit(1)).alias("n"), none.alias("d"), none.alias("k")))
    rows = {(r["name"], r["fake"]): r for r in _union(parts).collect()} if parts else {}
    sizes = {name: TableSides(rows[name, False]["n"], rows[name, True]["n"]) for name in metadata.tables}
    text = {}
    for name, fields in strings.items():
        row = rows[name, False]
        large = sizes[name].real > SAMPLE_ROWS
        text[name] = frozenset(c for c, d, k in zip(fields, row["d"], row["k"], strict=True) if large and _is_text(d, k))
    return sizes, text


def _is_text(distinct: int, known: int) -> bool:
    return distinct > max(TEXT_VALUES, TEXT_SHARE * known)


def _scored(spec: Table, index: int, real: DataFrame, synthetic: DataFrame, sizes: TableSides, text: frozenset[str]) -> _Scored:
    columns, kinds, left_out = [], [], {}
    for field in real.schema.fields:
        kind = _kind(field.dataType)
        if field.name in spec.key_columns:
            left_out[field.name] = "key"
        elif field.name in spec.pii_cols:
            left_out[field.name] = "generated"
        elif kind is None:
            left_out[field.name] = "unsupported type"
        elif field.name in text:
            left_out[field.name] = "text"
        else:
            columns.append(field.name)
            kinds.append(kind)
    return _Scored(spec, index, real, synthetic, sizes, tuple(columns), tuple(kinds), left_out)


def _kind(data_type: T.DataType) -> Kind | None:
    if isinstance(data_type, (T.StringType, T.BooleanType)):
        return "label"
    if isinstance(data_type, (T.DateType, T.TimestampType, T.TimestampNTZType)):
        return "time"
    return "number" if isinstance(data_type, T.NumericType) else None


def _col(name: str) -> Column:
    return F.col(quoted(name))


def _plain(frame: DataFrame, columns: Iterable[str], types: Mapping[str, T.DataType]) -> list[Column]:
    """Columns `c0` ... as float64 (times in seconds since 1970, whatever the session's time zone) or strings."""
    own = {f.name: f.dataType for f in frame.schema.fields}
    return [_value(_col(c) if own[c] == types[c] else _col(c).try_cast(types[c]), types[c]).alias(f"c{i}") for i, c in enumerate(columns)]


def _value(column: Column, data_type: T.DataType) -> Column:
    if isinstance(data_type, (T.StringType, T.BooleanType)):
        return column.cast("string")
    if isinstance(data_type, T.DateType):
        return F.unix_date(column).cast("double") * 86_400.0
    if isinstance(data_type, T.TimestampType):
        return F.unix_micros(column).cast("double") / 1e6
    if isinstance(data_type, T.TimestampNTZType):
        # A cast to `timestamp` would read it in the session's time zone; its fields are its own.
        clock = F.hour(column) * 3600 + F.minute(column) * 60
        return F.unix_date(column.cast("date")).cast("double") * 86_400.0 + clock + F.extract(F.lit("SECOND"), column).cast("double")
    return column.cast("double")


def _plans(scored: list[_Scored], seed: int) -> tuple[list[_Scored], dict[int, TablePlan]]:
    """The grids of all tables, and the tables without the columns that turned out to be text."""
    parts = [_sample(t, seed).repartition(1).mapInPandas(partial(plan_columns, table=t.index, kinds=t.kinds), schema=PLAN_DDL) for t in scored if t.columns]
    rows = {(r["table"], r["item"]): r for r in _union(parts).collect()} if parts else {}
    kept, plans = [], {}
    for t in scored:
        grids = [_column_plan(kind, rows.get((t.index, i))) for i, kind in enumerate(t.kinds)]
        whole = t.sizes.real <= SAMPLE_ROWS
        text = {i for i in range(len(grids)) if whole and (t.index, i) in rows and _is_text(rows[t.index, i]["distinct"], rows[t.index, i]["known"])}
        stay = [i for i in range(len(grids)) if i not in text]
        left_out = t.left_out | {t.columns[i]: "text" for i in sorted(text)}
        kept.append(replace(t, columns=tuple(t.columns[i] for i in stay), kinds=tuple(t.kinds[i] for i in stay), left_out=left_out))
        plans[t.index] = TablePlan(table=t.index, columns=tuple(grids[i] for i in stay), pairs=_pairs(kept[-1], seed))
    return kept, plans


def _column_plan(kind: Kind, row: Any) -> ColumnPlan:
    if row is None:
        return ColumnPlan.empty(kind)
    edges, coarse, plot = (np.array(row[k], dtype="float64") for k in ("edges", "coarse", "plot"))
    return ColumnPlan(kind, edges, coarse, plot, tuple(row["labels"]), row["centre"], row["scale"])


def _pairs(table: _Scored, seed: int) -> tuple[tuple[int, int], ...]:
    pairs = list(combinations(range(len(table.columns)), 2))
    if len(pairs) > MAX_PAIRS:
        pairs = sorted(pairs, key=lambda p: derive_seed(seed, table.spec.name, table.columns[p[0]], table.columns[p[1]]))[:MAX_PAIRS]
    return tuple(sorted(pairs))


def _sample(table: _Scored, seed: int) -> DataFrame:
    """About `SAMPLE_ROWS` real rows, chosen by their hash, with `weight`: how many rows of a plain sample each stands for."""
    types = {f.name: f.dataType for f in table.real.schema.fields}
    plain = _plain(table.real, table.columns, types)
    rate = SAMPLE_ROWS / max(table.sizes.real, 1)
    if rate >= 1:
        return table.real.select(*plain, F.lit(1).alias("weight"))
    supported = [_col(f.name) for f in table.real.schema.fields if _kind(f.dataType)]
    hashed = F.pmod(F.xxhash64(F.lit(seed), *supported), F.lit(_HASH_RANGE))
    if table.spec.primary_key:
        return table.real.where(hashed < int(rate * _HASH_RANGE)).select(*plain, F.lit(1).alias("weight"))
    # Without a key equal rows have equal hashes and would stay or go together: a table of few distinct rows would lose its commonest.
    frame = table.real.select(*plain, hashed.alias("hashed")).groupBy(*(f"c{i}" for i in range(len(plain))), "hashed").count()
    share = F.col("count") * rate
    return frame.where(F.col("hashed") < share * _HASH_RANGE).withColumn("weight", F.greatest(F.lit(1), F.round(share)).cast("int")).drop("hashed", "count")


def _counts(scored: list[_Scored], plans: Mapping[int, TablePlan]) -> dict[int, Counts]:
    """Counts on the grids of all tables, in one job."""
    if not scored:
        return {}
    parts = []
    for t in scored:
        types = {f.name: f.dataType for f in t.real.schema.fields}
        for fake, frame in ((False, t.real), (True, t.synthetic)):
            kernel = partial(partial_counts, plan=plans[t.index], synthetic=fake)
            parts.append(frame.select(*_plain(frame, t.columns, types)).mapInPandas(kernel, schema=COUNTS_DDL))
    cells = _union(parts).groupBy("table", "what", "item", "code").agg(F.sum("real").alias("real"), F.sum("synthetic").alias("synthetic"))
    grouped = cells.withColumns(_gaps(scored)).groupBy("table", "what", "item", F.when(F.col("what").isin(CODE, MOMENT), F.col("code")).alias("code"))
    rows = grouped.agg(*(F.sum(c).alias(c) for c in ("real", "synthetic", "gap", "half_gap", "alone_gap"))).collect()
    counts = {t.index: Counts(plans[t.index], t.sizes) for t in scored}
    for row in rows:
        _put(counts[row["table"]], row)
    return counts


def _gaps(scored: list[_Scored]) -> dict[str, Column]:
    """Per cell: how far the shares of the rows are apart, what is expected of two real halves, and of independent columns, in units of 1 / `_GAP_UNIT`."""
    n = F.create_map(*(F.lit(x) for t in scored for x in (t.index, float(max(t.sizes.real, 1)))))[F.col("table")]
    m = F.create_map(*(F.lit(x) for t in scored for x in (t.index, float(max(t.sizes.synthetic, 1)))))[F.col("table")]
    chance = F.col("what").isin(LABEL, PAIR)
    gap = F.abs(F.col("real") / n - F.col("synthetic") / m)
    half = _half_gap(F.col("real"), n) / (n / 2)
    values = {"gap": (chance, gap), "half_gap": (chance, half), "alone_gap": (F.col("what") == PAIR, _alone_gap(n))}
    return {name: F.when(where, F.round(value * _GAP_UNIT)).otherwise(F.lit(0.0)).cast("long") for name, (where, value) in values.items()}


def _alone_gap(n: Column) -> Column:
    """How much more of the real rows a cell of a pair has than the product of its marginals, twice: the cells without rows, which are not there, have less."""
    first, second = F.floor(F.col("code") / STRIDE), F.col("code") % STRIDE
    # What is no pair goes along with windows of its own, one cell each.
    sides = [F.when(F.col("what") == PAIR, side).otherwise(F.col("code")) for side in (first, second)]
    marginals = [F.sum("real").over(Window.partitionBy("table", "what", "item", side)) for side in sides]
    return 2 * F.greatest(F.col("real") / n - marginals[0] / n * (marginals[1] / n), F.lit(0.0))


def _half_gap(count: Column, total: Column) -> Column:
    """`kernels.comparison.half_gap` as a Spark expression."""
    half = F.greatest(F.ceil(count / 2).cast("double"), F.lit(1.0))
    binomial = 2 * F.sqrt(half / np.pi) * (1 - 1 / (8 * half) + 1 / (128 * half * half))
    return F.when(count > 0, binomial * F.sqrt(F.greatest(total - count, F.lit(0.0)) / F.greatest(total - 1, F.lit(1.0)))).otherwise(0.0)


def _put(counts: Counts, row: Any) -> None:
    what, item, sides = row["what"], row["item"], (row["real"], row["synthetic"])
    if what == CODE:
        counts.codes[item][:, row["code"]] = sides
    elif what == LABEL:
        counts.rare[item] = (row["gap"] / _GAP_UNIT, row["half_gap"] / _GAP_UNIT)
    elif what == PAIR:
        counts.pairs[item] = (row["gap"] / _GAP_UNIT, row["half_gap"] / _GAP_UNIT, row["alone_gap"] / _GAP_UNIT)
    else:
        counts.moments[item][:, row["code"]] = sides


def _union(parts: list[DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, parts)
