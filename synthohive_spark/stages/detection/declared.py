"""Keys that the tables themselves declare, to the catalog or in comments on columns. No Spark job over rows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from ...spec.detection.declared import declared_in, told_in_comments
from ...spec.detection.facts import DeclaredKey
from ...spec.form import noted
from ...spec.identifiers import existing_table_name
from ...spec.spelling import spelt
from ...storage.found import constraint_lines
from ...storage.sources import TableSource, names_file


def declared_keys(spark: SparkSession, read: Mapping[str, tuple[Any, DataFrame]]) -> dict[str, list[DeclaredKey]]:
    """The keys of each table that its columns and the other tables of the schema can have.

    Args:
        read: what was named as each table, and its frame.
    """
    columns = {name: frame.columns for name, (_, frame) in read.items()}
    by_source = {_last_part(source): name for name, (source, _) in read.items() if _in_catalog(source)}
    by_source |= {name.casefold(): name for name, (source, _) in read.items() if isinstance(source, TableSource)}
    found = {}
    for name, (source, frame) in read.items():
        keys = [k for k in (_among(k, by_source) for k in _declared(spark, source)) if k is not None]
        known = {(k.columns, k.parent_table) for k in keys}
        comments = {note.path[0]: note.comment for note in noted(frame.schema.jsonValue()) if note.comment and len(note.path) == 1}
        keys += [k for k in told_in_comments(comments, columns) if (k.columns, k.parent_table) not in known]
        found[name] = [key for k in keys if (key := _spelt(k, columns[name], columns)) is not None]
    return found


def _declared(spark: SparkSession, source: Any) -> list[DeclaredKey]:
    if isinstance(source, TableSource):
        return list(source.declared)
    return declared_in(_constraints(spark, source)) if _in_catalog(source) else []


def _among(key: DeclaredKey, by_source: Mapping[str, str]) -> DeclaredKey | None:
    """The key with its parent called as in the data; None where the data does not have it."""
    if key.parent_table is None:
        return key
    parent = by_source.get(key.parent_table.casefold())
    return None if parent is None else replace(key, parent_table=parent)


def _in_catalog(source: Any) -> bool:
    return isinstance(source, str) and not isinstance(source, os.PathLike) and not names_file(source)


def _last_part(source: str) -> str:
    return existing_table_name(source).rpartition(".`")[2].strip("`").replace("``", "`").casefold()


def _constraints(spark: SparkSession, source: str) -> list[str]:
    try:
        return constraint_lines(spark, existing_table_name(source))
    except AnalysisException:  # one may read a table of which one may not ask more
        return []


def _spelt(key: DeclaredKey, own: list[str], columns: Mapping[str, list[str]]) -> DeclaredKey | None:
    """The key with names as in the data; None where it has columns or a parent that are not there."""
    names = tuple(spelt(c, own) for c in key.columns)
    above = columns.get(key.parent_table, []) if key.parent_table is not None else []
    parents = tuple(spelt(c, above) for c in key.parent_columns)
    there = set(names) <= set(own) and set(parents) <= set(above) and (not parents or len(parents) == len(names))
    return replace(key, columns=names, parent_columns=parents) if there else None
