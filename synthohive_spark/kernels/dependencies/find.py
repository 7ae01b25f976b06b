"""Look for dependencies in a sample: the body of the one executor group that `stages/dependencies.py` runs."""

from __future__ import annotations

import pyarrow as pa
from pydantic import TypeAdapter

from ...spec.dependencies import AnyDependency, Quotient
from .find_linear import find_single, find_sums
from .find_lookups import find_lookups
from .find_parts import find_parts
from .sample import Sample, Search, read_sample

ORDER = "__order"
CANDIDATES: TypeAdapter[list[AnyDependency]] = TypeAdapter(list[AnyDependency])


def find_frame(table: pa.Table, *, search: Search) -> pa.Table:
    """A table of one column `found`: the candidates of the sampled rows in `table`, as JSON."""
    found = find_candidates(read_sample(table, search.types, ORDER), search)
    return pa.table({"found": pa.array([CANDIDATES.dump_json(found).decode()])})


def find_candidates(sample: Sample, search: Search) -> list[AnyDependency]:
    """Everything that holds on the sample; several can have one target, and they can go round in circles."""
    formulas: list[AnyDependency] = [*find_parts(sample, search), *find_single(sample, search)]
    related = {frozenset((f.target, *f.determinants)) for f in formulas if f.kind in ("copy", "linear")}
    sums = find_sums(sample, search, [f for f in formulas if isinstance(f, Quotient)])
    # A sum one of whose terms follows from another is that other rule again, with something that adds to zero.
    sums = [s for s in sums if not any(pair < {s.target, *s.determinants} for pair in related)]
    formulas += sums
    return [*formulas, *find_lookups(sample, search, {f.target for f in formulas})]
