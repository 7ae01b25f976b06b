"""Look for dependencies in a sample: the body of the one task that `stages/dependencies.py` runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from ...spec.dependencies import AnyDependency, Pick, Quotient
from ...spec.hidden import hidden
from .find_absences import find_absences
from .find_bands import find_bands
from .find_calendars import find_calendars
from .find_clocks import find_clocks
from .find_linear import find_single, find_sums
from .find_lookups import find_among_families, find_lookups, many_valued
from .find_many import find_many
from .find_orders import find_orders
from .find_parts import find_parts
from .find_picks import find_picks
from .find_products import find_products
from .find_unequal import find_unequal
from .find_written import find_written
from .find_zeros import find_sums_with_zeros
from .sample import Sample, Search, read_sample

ORDER = hidden("order")
FAMILY = hidden("family")
CANDIDATES: TypeAdapter[list[AnyDependency]] = TypeAdapter(list[AnyDependency])


def find_in_batches(batches: Iterator[pa.RecordBatch], *, search: Search) -> Iterator[pa.RecordBatch]:
    """One batch, as JSON: of all sampled rows, the candidates in `found`, and in `many` what `many_valued` says; they must come to one task.

    Columns come in the order of `search.types`, under other names; `ORDER` is the last.
    """
    parts = list(batches)
    if parts:
        sample = read_sample(pa.Table.from_batches(parts).rename_columns([*search.types, ORDER]), search.types, ORDER)
        found, many = find_candidates(sample, search), many_valued(sample, search)
        yield pa.record_batch({"found": pa.array([CANDIDATES.dump_json(found).decode()]), "many": pa.array([json.dumps(many)])})


def find_many_in_batches(
    batches: Iterator[pa.RecordBatch], *, search: Search, determinants: tuple[str, ...], explained: frozenset[str]
) -> Iterator[pa.RecordBatch]:
    """The same for lookups by columns of many values; the last column, `FAMILY`, tells which of `determinants` a row is there for."""
    parts = list(batches)
    if parts:
        rows = pa.Table.from_batches(parts).rename_columns([*search.types, ORDER, FAMILY])
        found: list[AnyDependency] = []
        for i, name in enumerate(determinants):
            own = read_sample(rows.filter(pc.equal(rows.column(FAMILY), i)), search.types, ORDER)
            found += find_among_families(own, search, name, explained)
        yield pa.record_batch({"found": pa.array([CANDIDATES.dump_json(found).decode()])})


def find_candidates(sample: Sample, search: Search) -> list[AnyDependency]:
    """Everything that holds on the sample; several can have one target, and they can go round in circles."""
    sample = replace(sample, generated=search.digits)
    zeros = find_sums_with_zeros(sample, search)
    formulas: list[AnyDependency] = [*find_parts(sample, search), *find_single(sample, search), *(z for z in zeros if len(z.determinants) == 1)]
    related = {frozenset((f.target, *f.determinants)) for f in formulas if f.kind in ("copy", "linear")}
    many = find_many(sample, search, {f.target for f in formulas})
    sums = [*many, *find_sums(sample, search, [f for f in formulas if isinstance(f, Quotient)]), *(z for z in zeros if len(z.determinants) > 1)]
    # A sum one of whose terms follows from another is that other rule again, with something that adds to zero.
    sums = [s for s in sums if not any(pair < {s.target, *s.determinants} for pair in related)]
    formulas += sums
    formulas += [p for p in find_products(sample, search) if not any(pair < {p.target, *p.determinants} for pair in related)]
    formulas += [c for c in find_clocks(sample, search) if not any(pair < {c.target, *c.determinants} for pair in related)]
    formulas += find_picks(sample, search, {f.target for f in formulas if not f.drawn})
    formulas += find_written(sample, search, {f.target for f in formulas})
    formulas += find_bands(sample, search, {f.target for f in formulas})
    calendars = find_calendars(sample, search, {f.target for f in formulas})
    columns = {pair for f in formulas for pair in _related(f)}
    bounds: list[AnyDependency] = [*calendars, *find_orders(sample, search, columns), *find_unequal(sample, search, columns), *find_absences(sample, search)]
    return [*formulas, *find_lookups(sample, search, {f.target for f in formulas}), *bounds]


def _related(formula: AnyDependency) -> list[frozenset[str]]:
    """Columns that say of one another whether they are in order or equal: all of a formula, but of those of which it picks one each with the target only."""
    if isinstance(formula, Pick):
        return [frozenset((formula.target, name)) for name in formula.determinants]
    return [frozenset((formula.target, *formula.determinants))]
