"""Rules of real Delta tables that their copies keep: generated columns are computed, and rows that break a check constraint are found.

No expression of a table is run that does not pass `checked_expression`, whether a table or a saved model brings it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from ..spec.expressions import checked_expression, expression_columns, expression_fault
from ..spec.form import TableForm, TableRules
from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.layout import Layout
from .intake import Intake, laid_out
from .outputs import never_empty

Shape = tuple[tuple[str, str, bool], ...]


def forms_of(spark: SparkSession, taken: Intake) -> dict[str, TableForm]:
    """What the tables say of themselves, of those that say something, with the rules that can be run over their copies."""
    found = {}
    for name, form in taken.forms(spark).items():
        layout = taken.layouts.get(name)
        found[name] = runnable(form, taken.frames[name] if layout is None else laid_out(taken.frames[name], layout)) if form.rules else form
    return found


def runnable(form: TableForm, frame: DataFrame) -> TableForm:
    """The form with those of its rules that can be run over the columns of a copy; why the others cannot is told. Starts no job.

    Args:
        frame: the real table, with the columns that its copy will have.
    """
    rules, types = form.rules, dict(frame.dtypes)
    own = [c for c in frame.columns if c not in rules.generated]  # Delta lets no generated column read another one
    generated = {c: _fault(frame, text, own, types.get(c)) for c, text in rules.generated.items()}
    checks = {name: _fault(frame, text, frame.columns, "boolean") for name, text in rules.checks.items()}
    return form.without_rules({c: why for c, why in generated.items() if why}, {name: why for name, why in checks.items() if why})


def _fault(frame: DataFrame, text: str, columns: Collection[str], kind: str | None) -> str | None:
    if kind is None:
        return "the copy has no such column"
    fault = expression_fault(text, columns)
    if fault is not None:
        return f"its expression {fault}"
    try:
        found = frame.select(F.expr(checked_expression(text, columns, "")).alias("x")).dtypes[0][1]
        _ = frame.select(F.expr(checked_expression(text, columns, "")).cast(kind)).schema
    except AnalysisException:
        return "Spark does not resolve its expression over the columns of the copy"
    return f"its expression is of the type {found}" if kind == "boolean" and found != kind else None


@dataclass(frozen=True)
class RulesOfRows:
    """The rules of a table over its rows while they are made.

    Attributes:
        rules: those that hold of the table.
        shape: its columns as rows have them.
        layout: how they lie in the data, where they do in another way; rules name the columns of the data.
    """

    rules: TableRules
    shape: Shape
    layout: Layout | None = None

    def with_generated(self, rows: DataFrame) -> DataFrame:
        """The rows with their generated columns; those that read a column which is not there yet stay as they are."""
        late, declared = self._late(rows), {name: (kind, nullable) for name, kind, nullable in self.shape}
        values = {}
        for column, text in self.rules.generated.items():
            if column in rows.columns and not late & expression_columns(text, self._names):
                kind, nullable = declared[column]
                value = F.expr(checked_expression(text, self._names, column)).cast(kind)
                values[column] = value if nullable else never_empty(column, value, kind)
        return self._with(rows, values) if values else rows

    def with_broken(self, rows: DataFrame) -> tuple[DataFrame, dict[str, str]]:
        """The rows with a column per check constraint that says whether a row breaks it, and those columns by constraint.

        Constraints that read a column which is not there yet are left out.
        """
        late = self._late(rows)
        known = [name for name, text in self.rules.checks.items() if not late & expression_columns(text, self._names)]
        names = {name: hidden(f"broken_{i}") for i, name in enumerate(known)}
        return self._with(rows, {names[name]: breaks(self.rules.checks[name], self._names, name) for name in known}), names

    @property
    def _names(self) -> tuple[str, ...]:
        """The columns that rules see."""
        return tuple(name for name, _, _ in self.shape) if self.layout is None else tuple(column.name for column in self.layout)

    def _late(self, rows: DataFrame) -> set[str]:
        late = {name for name, _, _ in self.shape} - set(rows.columns)
        return late if self.layout is None else {c.name for c in self.layout if c.source in late or any(leaf.source in late for leaf in c.leaves)}

    def _with(self, rows: DataFrame, values: Mapping[str, Column]) -> DataFrame:
        """The rows with some columns that rules give."""
        if self.layout is None:
            return rows.withColumns(dict(values)) if values else rows
        missing = {name: F.lit(None).cast(kind) for name, kind, _ in self.shape if name not in rows.columns}
        flat = {name: hidden(f"flat_{i}") for i, name in enumerate(rows.columns)}
        beside = rows.withColumns({**missing, **{kept: F.col(quoted(name)) for name, kept in flat.items()}})
        seen = laid_out(beside, self.layout, tuple(flat.values()))
        kept = {name: F.col(at) for name, at in flat.items()} | dict(values)
        return seen.select(*(value.alias(name) for name, value in kept.items()))


def breaks(text: str, columns: Collection[str], name: str) -> Column:
    """Whether a row breaks a check constraint: for Delta it does where the expression is null, too."""
    return ~F.coalesce(F.expr(checked_expression(text, columns, name)), F.lit(False))


def any_of(columns: Collection[str]) -> Column:
    """Whether one of some boolean columns is true."""
    return reduce(or_, (F.col(column) for column in columns), F.lit(False))


def kept_rules(rows: DataFrame, rules: TableRules) -> tuple[TableRules, dict[str, int], dict[str, int]]:
    """The rules that all rows of a staged table keep, and how many rows break the others: generated columns, check constraints. One job."""
    if not rules:
        return rules, {}, {}
    own = [c for c in rows.columns if c not in rules.generated]
    types = dict(rows.dtypes)
    found = [~F.col(quoted(c)).eqNullSafe(F.expr(checked_expression(text, own, c)).cast(types[c])) for c, text in rules.generated.items()] + [
        breaks(text, rows.columns, name) for name, text in rules.checks.items()
    ]
    row = rows.agg(*(F.count_if(column).alias(f"n{i}") for i, column in enumerate(found))).collect()[0]
    counts = dict(zip([*(("generated", c) for c in rules.generated), *(("checks", name) for name in rules.checks)], row, strict=True))
    generated, checks = ({name: n for (kind, name), n in counts.items() if n and kind == wanted} for wanted in ("generated", "checks"))
    return rules.without(generated, checks), generated, checks
