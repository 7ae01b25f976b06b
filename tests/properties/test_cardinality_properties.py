"""Numbers of children and shares: sums and limits, whatever is asked for."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synthohive_spark.kernels.cardinality import CLOSE, CountRule, settled
from synthohive_spark.kernels.shares import dealt, proportional, rounded
from synthohive_spark.spec.planning.linkages import fit_linkage

HISTOGRAMS = st.dictionaries(st.one_of(st.integers(0, 12), st.integers(100, 900)), st.integers(1, 40), min_size=1, max_size=8)
METHODS = st.sampled_from(["conditional", "empirical", "negbinom"])


@settings(max_examples=300, deadline=None)
@example({0: 1}, "conditional", 16, 16, 16, 19)
@given(HISTOGRAMS, METHODS, st.integers(0, 60), st.one_of(st.none(), st.integers(0, 5000)), st.one_of(st.none(), st.integers(0, 30)), st.integers(0, 99))
def test_totals_are_met_up_to_the_room_that_there_is(
    children: dict[int, int], method: str, parents: int, total: int | None, most: int | None, seed: int
) -> None:
    linkage = fit_linkage(sorted(children.items()), method=method)  # type: ignore[arg-type]
    limits = None if most is None else np.random.default_rng(seed).integers(0, most + 1, size=parents)
    counts = settled(linkage, parents, total, limits)
    assert len(counts) == parents and (counts >= 0).all() and counts.dtype == np.int64
    assert limits is None or (counts <= limits).all()
    if total is not None and parents:
        room = float("inf") if limits is None else int(limits.sum())
        possible = min(total, room)
        assert abs(int(counts.sum()) - possible) <= max(1.0, CLOSE * total)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.just(0.0), st.floats(0.001, 100)), max_size=40),
    st.lists(st.one_of(st.integers(0, 20), st.just(10**6)), min_size=40, max_size=40),
    st.integers(0, 2000),
)
def test_rows_are_dealt_out_in_proportion_and_within_limits(weights: list[float], most: list[int], total: int) -> None:
    share, limit = np.array(weights), np.array(most[: len(weights)], dtype=np.float64)
    found = proportional(share, limit, total)
    assert (found <= limit + 1e-6).all() and (found >= 0).all() and (found[share == 0] == 0).all()
    assert np.isclose(found.sum(), min(total, limit[share > 0].sum()), rtol=1e-6, atol=1e-6)
    free = (found < limit - 1e-6) & (share > 0)
    if free.sum() > 1:
        assert np.allclose(found[free] / share[free], (found[free] / share[free])[0], rtol=1e-4)
    rows = dealt(share, total, limit)
    assert (rows <= limit).all() and abs(int(rows.sum()) - min(total, limit[share > 0].sum())) <= 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 30).map(float), st.floats(0, 50)), min_size=1, max_size=60))
def test_every_run_of_rounded_shares_sums_to_what_it_should(shares: list[float]) -> None:
    whole = rounded(np.array(shares))
    assert (np.abs(np.cumsum(whole) - np.cumsum(shares)) <= 0.5 + 1e-6).all()
    assert (np.abs(whole - np.array(shares)) < 1 + 1e-6).all()
    assert all(int(whole[i]) == share for i, share in enumerate(shares) if share == int(share))


@settings(max_examples=100, deadline=None)
@given(HISTOGRAMS, st.integers(1, 3000), st.integers(0, 3000), st.integers(0, 2**40), st.sampled_from([0.5, 1.0, 2.0]))
def test_numbers_by_level_are_functions_of_the_row(children: dict[int, int], n: int, cut: int, salt: int, factor: float) -> None:
    rule = CountRule(linkage=fit_linkage(sorted(children.items()), method="empirical"), salt=salt, factor=factor, at_most=50)
    whole = rule.of(np.arange(n), None)
    parts = [rule.of(rows, None) for rows in (np.arange(min(cut, n)), np.arange(min(cut, n), n))]
    assert np.array_equal(np.concatenate(parts), whole) and whole.max() <= 50 and whole.min() >= 0
