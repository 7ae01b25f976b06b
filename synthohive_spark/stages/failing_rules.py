"""Rules that hold of real rows and fail over made-up ones (a quotient by 0, a cast of text): found, once something has failed, and left out.

Spark has no way to say of any expression that it gives null where it would fail, and a session's ANSI mode is told too late over Spark Connect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..errors import SchemaError
from ..spec.form import TableForm
from ..spec.identifiers import quoted
from .table_rules import RulesOfRows

T = TypeVar("T")
_WHY = "it fails over rows that are made up"


@dataclass
class FailingRules:
    """Those of each table, as they are found."""

    _generated: dict[str, dict[str, str]] = field(default_factory=dict, init=False)
    _checks: dict[str, dict[str, str]] = field(default_factory=dict, init=False)

    def left_out(self, table: str, form: TableForm) -> TableForm:
        """The form of a table without them."""
        return form.without_rules(self._generated.get(table, {}), self._checks.get(table, {}))

    def without(self, table: str, rules: Callable[[], RulesOfRows], rows: Callable[[], Iterator[DataFrame]], make: Callable[[], T]) -> T:
        """What `make` gives; where it fails by rules of the table, once more without them. No job where it does not fail.

        Args:
            rules: those that are left.
            rows: staged ones, without what rules give, that `make` makes.
        """
        while True:
            try:
                return make()
            except SchemaError:
                raise
            except Exception:  # Spark's classes of errors differ by session, and the writer has its own: the rows tell
                generated, checks = next(filter(any, (_failing(frame, rules()) for frame in rows())), ({}, {})) if rules().rules else ({}, {})
                if not generated and not checks:
                    raise
                self._generated.setdefault(table, {}).update(generated)
                self._checks.setdefault(table, {}).update(checks)


def _failing(rows: DataFrame, rules: RulesOfRows) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The rules that fail over some of the rows. One job for each."""
    every = rules.rules
    alone = {
        c: replace(rules, rules=every.without(set(every.generated) - {c}, every.checks)).with_generated(rows) for c in every.generated if c in rows.columns
    }
    generated = {c: _WHY for c, frame in alone.items() if _fails(frame, c)}
    left = replace(rules, rules=every.without(generated, ()))
    marked, names = left.with_broken(left.with_generated(rows))
    return generated, {name: _WHY for name, column in names.items() if _fails(marked, column)}


def _fails(rows: DataFrame, column: str) -> bool:
    """Whether some value of a column cannot be had."""
    try:
        rows.select(F.col(quoted(column))).write.format("noop").mode("overwrite").save()
    except Exception:  # noqa: BLE001 - see `FailingRules.without`; a machine that is lost fails the next attempt too
        return True
    return False
