"""Real tables beside synthetic ones: likeness, keys, ceilings. All from Spark aggregates that come to the same integers under any partitioning.

Each step looks once at every table that it needs, and takes many tables in one query:

1. keys and rows (`validate_keys.py`), on both sides, the columns of keys alone;
2. grids (`validate_plans.py`), on a bounded sample of the real rows;
3. counts on the grids (`validate_counts.py`), on both sides;
4. relations (`validate_relations.py`): bounded samples of rows with their parents and families, on both sides;
5. rules (`validate_rules.py`), table by table, on the synthetic side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import DataFrame

from ..errors import SchemaError
from ..spec.encoding import CategoryEncoding
from ..spec.findings import Findings, TableFinding
from ..spec.fitted import FittedSchema
from ..spec.metadata import Metadata
from ..spec.spelling import spelt
from .encode import held_out
from .validate_across import paths_of, with_classifiers, with_relations
from .validate_columns import ScoredTable, scored_table
from .validate_counts import count_tables
from .validate_keys import count_sides
from .validate_plans import plan_tables
from .validate_relations import judge_relations
from .validate_rules import rules_held
from .validate_tables import table_finding


def validate(
    metadata: Metadata,
    real: Mapping[str, DataFrame],
    synthetic: Mapping[str, DataFrame],
    *,
    fitted: FittedSchema | None = None,
    seed: int = 0,
    target: Mapping[str, str] | None = None,
) -> Findings:
    """Compare synthetic tables with the real ones.

    Args:
        metadata: keys and roles. Columns of keys, text that hardly repeats, and `pii_cols` get no likeness score; reference tables get none at all.
        real: one frame per table of `metadata`.
        synthetic: one frame per table, with the same columns (more are ignored).
        fitted: what was learnt of the real tables: its rules are counted on the synthetic ones, and rows that trained are told from those that did not.
        target: per table a column that is to be predicted from the others (`kernels/judge/utility.py`).
        seed: of the random halves that the ceilings come from.

    Raises:
        SchemaError: a table or a column is missing on one side; all of them are named; or a target is no column that is compared.
    """
    _check(metadata, real, synthetic)
    targets = _targets(metadata, real, target or {})
    keys = count_sides(metadata, real, synthetic)
    looked_at = [(i, name, spec) for i, (name, spec) in enumerate(metadata.tables.items()) if spec.role == "learnt" or name in _above_learnt(metadata)]
    held = {} if fitted is None else {name: held_out(t.model, t.program, fitted.seed) for name, t in fitted.tables.items()}
    scored, plans = plan_tables([scored_table(spec, i, real[name], synthetic[name], keys.rows(name)) for i, name, spec in looked_at], seed)
    families = {name for name, t in fitted.tables.items() if t.program.has_siblings} if fitted else set()
    scored = [replace(t, held=held.get(t.spec.name), alone=t.spec.name not in families) for t in scored]
    _check_targets(targets, {t.spec.name: t for t in scored})
    learnt = [t for t in scored if t.spec.role == "learnt"]
    counts = count_tables([t for t in learnt if t.columns], plans)
    relations = judge_relations({t.spec.name: t for t in scored}, seed, targets)
    by_name = {t.spec.name: t for t in learnt}
    tables = []
    for name, spec in metadata.tables.items():
        rows, (duplicates, nulls) = keys.rows(name), keys.primary_key_faults(name)
        base = TableFinding(
            table=name,
            role=spec.role,
            rows_real=rows.real,
            rows_synthetic=rows.synthetic,
            duplicate_keys=duplicates,
            null_keys=nulls,
            columns=(),
            pairs=(),
            correlations=(),
        )
        if table := by_name.get(name):
            base = base.model_copy(update={"left_out": table.left_out})
            if table.columns:
                base = table_finding(base, table.columns, plans[table.index], counts[table.index], seed=seed, told=_told(fitted, name))
        tables.append(with_classifiers(base, relations))
    rules = rules_held(fitted, synthetic, {name: keys.rows(name).synthetic for name in metadata.tables}) if fitted else ()
    return Findings.of(tuple(tables), with_relations(keys.findings(seed=seed), relations), rules, paths_of(relations))


def _told(fitted: FittedSchema | None, table: str) -> dict[str, frozenset[str]] | None:
    """Per column of a table the labels that its model tells."""
    if fitted is None or table not in fitted.tables:
        return None
    columns = fitted.tables[table].encoding.columns
    labels = {c.name: c.values for c in columns if isinstance(c, CategoryEncoding)}
    return {name: frozenset(str(v).lower() if isinstance(v, bool) else str(v) for v in values) for name, values in labels.items()}


def _above_learnt(metadata: Metadata) -> set[str]:
    """Tables that rows of learnt tables point at."""
    return {key.parent_table for table in metadata.tables.values() if table.role == "learnt" for key in table.foreign_keys}


def _targets(metadata: Metadata, real: Mapping[str, DataFrame], target: Mapping[str, str]) -> dict[str, str]:
    """The targets, spelt as in the data."""
    named = {spelt(table, metadata.tables): column for table, column in target.items()}
    learnt = {name for name, table in metadata.tables.items() if table.role == "learnt"}
    if strays := sorted(str(table) for table in named if table not in learnt):
        raise SchemaError(f"target: {strays} are no learnt tables; there are {sorted(learnt)}")
    columns = {table: spelt(str(column), real[table].columns) for table, column in named.items()}
    for table, column in columns.items():
        if column not in real[table].columns:
            raise SchemaError(f"target: table {table!r} has no column {column!r}; there are {', '.join(real[table].columns)}")
    return columns


def _check_targets(targets: Mapping[str, str], scored: Mapping[str, ScoredTable]) -> None:
    for table, column in targets.items():
        if column not in scored[table].columns:
            why = scored[table].left_out.get(column)
            raise SchemaError(
                f"target: table {table!r} has no column {column!r} that is compared{f' ({why})' if why else ''}; there are {', '.join(scored[table].columns)}"
            )


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
