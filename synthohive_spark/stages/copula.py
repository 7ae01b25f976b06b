"""A Gaussian copula of staged training codes, from Spark sums: nothing is trained."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from safetensors.torch import save

from ..kernels.columns.order import value_order
from ..kernels.copula import ORDERS_DDL, SUMS_DDL, ScoredColumn, covariance, latent_correlation, order_frames, partial_products
from ..kernels.staging import ORDER
from ..spec.encoding import CategoryEncoding, ColumnEncoding, TableEncoding

ORDER_ROWS = 50_000  # that put the categories in order: one executor task holds them


def fit_copula(spark: SparkSession, path: str, *, drawn: TableEncoding, context: tuple[ColumnEncoding, ...]) -> bytes:
    """The state of `independent` with a copula, in safetensors form.

    Args:
        path: of the staged rows, with the columns `x0...`, `r0...` and `__order`.
        drawn: encoding of the columns `r0...`.
        context: encodings of the columns `x0...`, which have one code more each, for "there is no parent".
    """
    rows = spark.read.parquet(path)
    columns = (*(_context_column(f"x{i}", c) for i, c in enumerate(context)), *(_column(f"r{i}", c) for i, c in enumerate(drawn.columns)))
    columns = _in_order(rows, columns, len(context))
    parts = rows.select(*(c.name for c in columns)).mapInPandas(partial(partial_products, columns=columns), schema=SUMS_DDL)
    totals = parts.groupBy("item", "other").agg(F.sum("total").alias("total")).toPandas()
    state = {
        "correlation": latent_correlation(columns, covariance(totals, rows.count(), len(columns))),
        "order": np.concatenate([c.order for c in columns]).astype(np.int64),
        "context_shares": np.concatenate([np.empty(0), *(c.shares for c in columns[: len(context)])]),
    }
    return save({name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in state.items()})


def _column(name: str, encoding: ColumnEncoding) -> ScoredColumn:
    return ScoredColumn(name, value_order(encoding), np.asarray(encoding.weights, dtype=np.float64), not isinstance(encoding, CategoryEncoding))


def _context_column(name: str, encoding: ColumnEncoding) -> ScoredColumn:
    column = _column(name, encoding)
    return replace(column, order=np.append(column.order, encoding.cardinality), shares=np.append(column.shares, 0.0))


def _in_order(rows: DataFrame, columns: tuple[ScoredColumn, ...], context: int) -> tuple[ScoredColumn, ...]:
    """The columns with their categories in order, and the context's shares as they are among the children: a parent counts once per child there."""
    sample = rows.orderBy(ORDER).limit(ORDER_ROWS).select(*(c.name for c in columns)).repartition(1)
    found = {row["item"]: row for row in sample.mapInPandas(partial(order_frames, columns=columns), schema=ORDERS_DDL).collect()}
    placed = []
    for i, column in enumerate(columns):
        shares = np.array(found[i]["shares"]) if i < context else column.shares
        placed.append(replace(column, order=np.array(found[i]["codes"], dtype=np.int64), shares=shares))
    return tuple(placed)
