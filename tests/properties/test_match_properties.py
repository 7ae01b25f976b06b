"""Rows paired with rows of another parent: whatever the families, places and unique keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive_spark.kernels.match import match_bucket
from synthohive_spark.kernels.match_rule import COPIES, DEPTH, NOBODY, SINCE, TAKEN, ApartRule, MatchRule
from synthohive_spark.spec.hidden import PARENT_ROW, POSITION, ROW, SIBLINGS


@dataclass(frozen=True)
class Bucket:
    """Seekers and parents of one bucket. Group `f` is what both must agree in, `b` what seekers agree in, `c` the parents' cell."""

    seekers: pd.DataFrame
    parents: pd.DataFrame

    def matched(self, rule: MatchRule) -> pd.DataFrame:
        """The pairs, with what both sides say of them."""
        pairs = match_bucket(self.seekers, self.parents, rule=rule)
        assert pairs[ROW].tolist() == sorted(self.seekers[ROW])
        assert set(pairs[TAKEN]) <= {NOBODY, *self.parents[TAKEN]}
        return pairs.merge(self.seekers, on=ROW).merge(self.parents.rename(columns={"f": "theirs", "g": "their_g"}), on=TAKEN, how="left")


@st.composite
def buckets(draw: st.DrawFn) -> Bucket:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.integers(0, 9), min_size=1, max_size=25))
    family = np.repeat(np.arange(len(sizes)), sizes)
    n, p = len(family), draw(st.integers(1, 20))
    seekers = pd.DataFrame({ROW: rng.permutation(3 * n)[:n], PARENT_ROW: family, SIBLINGS: np.array(sizes)[family]})
    seekers[POSITION] = seekers.groupby(PARENT_ROW).cumcount()
    groups = draw(st.integers(1, 4))
    seekers = seekers.assign(f=rng.integers(groups, size=n), b=family)
    seekers = seekers.assign(g=seekers["f"] * 4 + rng.integers(4, size=n))  # finer than `f`
    places = rng.multinomial(n, rng.dirichlet(np.ones(p) * draw(st.sampled_from([0.3, 5.0]))))
    parents = pd.DataFrame({TAKEN: rng.permutation(2 * p)[:p], COPIES: places, "f": rng.integers(groups, size=p), "c": rng.integers(max(1, p // 2), size=p)})
    parents = parents.assign(g=parents["f"] * 4 + rng.integers(4, size=p))
    return Bucket(seekers.astype("int64"), parents.astype("int64"))


def shuffled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    return frame.iloc[np.random.default_rng(seed).permutation(len(frame))].reset_index(drop=True)


def rule(**fields: object) -> MatchRule:
    return MatchRule(identity=("t", 0), seed=7, closed=True, **fields)  # type: ignore[arg-type]


RULES = [
    rule(),
    rule(fixed="f"),
    rule(wished=("f",)),
    rule(agree="f", wished=("f",)),
    rule(agree="f", apart=(ApartRule("b", None, 1),)),
    rule(apart=(ApartRule("b", None, 1),)),
    rule(apart=(ApartRule("b", "c", 2),), fixed="f"),
    rule(apart=(ApartRule(None, None, 1),)),
    rule(apart=(ApartRule("b", None, 1), ApartRule("f", "c", 1))),
]


@settings(max_examples=150, deadline=None)
@given(buckets(), st.sampled_from(RULES), st.integers(0, 100))
def test_pairs_do_not_depend_on_the_order_of_rows(bucket: Bucket, rule: MatchRule, seed: int) -> None:
    again = Bucket(shuffled(bucket.seekers, seed), shuffled(bucket.parents, seed + 1))
    pd.testing.assert_frame_equal(match_bucket(bucket.seekers, bucket.parents, rule=rule), match_bucket(again.seekers, again.parents, rule=rule))


@settings(max_examples=150, deadline=None)
@given(buckets())
def test_every_place_is_taken_where_nothing_is_forbidden(bucket: Bucket) -> None:
    pairs = bucket.matched(rule())
    wanted = {t: n for t, n in zip(bucket.parents[TAKEN], bucket.parents[COPIES], strict=True) if n}
    assert Counter(pairs[TAKEN]) == wanted


@settings(max_examples=150, deadline=None)
@given(buckets())
def test_partners_agree_in_what_is_fixed(bucket: Bucket) -> None:
    pairs = bucket.matched(rule(fixed="f"))
    there = pairs[TAKEN] != NOBODY
    assert (pairs["f"] == pairs["theirs"])[there].all()
    assert set(pairs["f"][~there]).isdisjoint(bucket.parents["f"])  # only where nobody is there


@settings(max_examples=150, deadline=None)
@given(buckets())
def test_partners_agree_in_what_is_wished_while_places_last(bucket: Bucket) -> None:
    pairs = bucket.matched(rule(wished=("f",)))
    assert (pairs[TAKEN] != NOBODY).all()
    seekers, places = Counter(bucket.seekers["f"]), bucket.parents.groupby("f")[COPIES].sum()
    for f, n in seekers.items():
        agree = ((pairs["f"] == f) & (pairs["theirs"] == f)).sum()
        assert agree >= min(n, int(places.get(f, 0)))
    wanted = {t: n for t, n in zip(bucket.parents[TAKEN], bucket.parents[COPIES], strict=True) if n}
    assert Counter(pairs[TAKEN]) == wanted


@settings(max_examples=150, deadline=None)
@given(buckets(), st.booleans())
def test_partners_agree_with_rows_where_any_does(bucket: Bucket, wished: bool) -> None:
    pairs = bucket.matched(rule(agree="f", wished=("f",) if wished else ()))
    assert (pairs[TAKEN] != NOBODY).all(), "who finds nobody that agrees takes anybody"
    some = pairs["f"].isin(bucket.parents["f"])
    assert (pairs["f"] == pairs["theirs"])[some].all()


@settings(max_examples=150, deadline=None)
@given(buckets(), st.booleans(), st.integers(0, 2**32))
def test_nobody_is_before_its_parent_where_all_can_be_after_theirs(bucket: Bucket, wished: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    partner = bucket.matched(rule(wished=("f",) if wished else ()))[[ROW, TAKEN]]  # some pairs of the same groups, of which each gets an order
    began = bucket.parents.assign(**{SINCE: rng.integers(1000, size=len(bucket.parents))})
    moments = partner.merge(began[[TAKEN, SINCE]], on=TAKEN, how="left")
    moments[SINCE] = moments[SINCE].fillna(0) + rng.integers(50, size=len(moments))
    seekers = bucket.seekers.merge(moments[[ROW, SINCE]], on=ROW).astype("int64")
    pairs = match_bucket(seekers, began, rule=rule(wished=("f",) if wished else (), in_time=True))
    told = pairs.merge(seekers[[ROW, SINCE]], on=ROW).merge(began.rename(columns={SINCE: "theirs"}), on=TAKEN)
    assert wished or (told[SINCE] >= told["theirs"]).all()
    assert Counter(pairs[TAKEN]) == Counter(partner[TAKEN]), "as many children as before"


def test_rows_in_time_leave_no_late_parents_without_children() -> None:
    rng = np.random.default_rng(0)
    seekers = pd.DataFrame({ROW: np.arange(1000) + 5000, PARENT_ROW: 0, POSITION: 0, SIBLINGS: 1, SINCE: rng.integers(500, 1000, 1000)})
    parents = pd.DataFrame({TAKEN: np.arange(500), COPIES: 4, SINCE: np.arange(500) * 2})  # two places for each row
    pairs = match_bucket(seekers, parents, rule=rule(in_time=True))
    told = pairs.merge(seekers[[ROW, SINCE]], on=ROW).merge(parents.rename(columns={SINCE: "theirs"}), on=TAKEN)
    assert told[TAKEN].nunique() > 480 and (told[SINCE] >= told["theirs"]).mean() > 0.99


@settings(max_examples=150, deadline=None)
@given(buckets(), st.booleans())
def test_rows_that_are_kept_apart_agree_while_there_is_room(bucket: Bucket, fixed: bool) -> None:
    pairs = bucket.matched(rule(agree="g", fixed="f" if fixed else None, apart=(ApartRule("b", None, 1),)))
    there = pairs[pairs[TAKEN] != NOBODY]
    used = Counter(zip(there["b"], there[TAKEN], strict=True))
    assert not used or max(used.values()) <= 1
    assert not fixed or (there["f"] == there["theirs"]).all()
    for _, row in there[there["g"] != there["their_g"]].iterrows():
        agreeing = bucket.parents[TAKEN][bucket.parents["g"] == row["g"]]
        assert all(used[(row["b"], taken)] for taken in agreeing)


@settings(max_examples=200, deadline=None)
@given(buckets(), st.sampled_from([("b", None, 1), ("b", None, 2), ("b", "c", 1), ("f", "c", 3), (None, None, 1), (None, "c", 4)]), st.booleans())
def test_no_pair_is_there_too_often_and_nobody_is_left_without_reason(bucket: Bucket, apart: tuple[str | None, str | None, int], fixed: bool) -> None:
    before, cell, times = apart
    pairs = bucket.matched(rule(apart=(ApartRule(before, cell, times),), fixed="f" if fixed else None))
    pairs = pairs.assign(side=0 if before is None else pairs[before], cell=pairs[TAKEN] if cell is None else pairs[cell])
    there = pairs[pairs[TAKEN] != NOBODY]
    used = Counter(zip(there["side"], there["cell"], strict=True))
    assert not used or max(used.values()) <= times
    cells = bucket.parents[TAKEN] if cell is None else bucket.parents[cell]
    for _, row in pairs[pairs[TAKEN] == NOBODY].iterrows():
        allowed = cells[bucket.parents["f"] == row["f"]] if fixed else cells
        assert all(used[(row["side"], c)] >= times for c in allowed)


@settings(max_examples=100, deadline=None)
@given(buckets())
def test_two_unique_keys_at_once(bucket: Bucket) -> None:
    pairs = bucket.matched(rule(apart=(ApartRule("b", None, 1), ApartRule("f", "c", 2))))
    there = pairs[pairs[TAKEN] != NOBODY]
    assert not there.duplicated(["b", TAKEN]).any()
    assert there.groupby(["f", "c"]).size().max() <= 2 if len(there) else True


@settings(max_examples=150, deadline=None)
@given(buckets(), st.integers(0, 2**32), st.booleans())
def test_nobody_has_a_partner_that_it_must_not_have_while_there_is_another(bucket: Bucket, seed: int, apart: bool) -> None:
    known = bucket.parents[TAKEN].to_numpy()
    shunned = np.random.default_rng(seed).choice([*known, NOBODY], len(bucket.seekers))
    told = Bucket(bucket.seekers.assign(n=shunned), bucket.parents)
    pairs = told.matched(rule(never=("n",), apart=(ApartRule("f", "c", 3),) if apart else ()))
    if len(known) > 1 and not apart:
        assert (pairs[TAKEN] != pairs["n"]).all()
    if not apart:
        assert (pairs[TAKEN] != NOBODY).all()
        made, wanted = pairs[TAKEN].value_counts(), told.parents.set_index(TAKEN)[COPIES]
        moved = np.abs(made.reindex(wanted.index, fill_value=0) - wanted).sum() / 2
        assert moved <= (shunned != NOBODY).sum()


def test_parents_keep_their_number_of_children() -> None:
    """A junction that is a third full: nobody twice in one family, and hardly a parent with another number."""
    rng = np.random.default_rng(1)
    sizes = rng.integers(0, 40, size=60)
    family = np.repeat(np.arange(60), sizes)
    seekers = pd.DataFrame({ROW: np.arange(len(family)), PARENT_ROW: family, SIBLINGS: sizes[family], "b": family})
    seekers[POSITION] = seekers.groupby(PARENT_ROW).cumcount()
    weights = rng.dirichlet(np.ones(60) * 3)
    copies = np.minimum(rng.multinomial(len(family), weights), (sizes > 0).sum())
    parents = pd.DataFrame({TAKEN: np.arange(60), COPIES: copies})
    pairs = match_bucket(seekers, parents, rule=rule(apart=(ApartRule("b", None, 1),))).merge(seekers, on=ROW)
    assert not pairs.duplicated(["b", TAKEN]).any() and (pairs[TAKEN] >= 0).all()
    assert np.abs(np.bincount(pairs[TAKEN], minlength=60) - copies).sum() <= 0.02 * len(family)


def forest(n: int, seed: int, top: int) -> Bucket:
    """Rows of a table that points at itself; those of depth 0 seek nobody."""
    rng = np.random.default_rng(seed)
    depth = np.minimum(rng.geometric(0.4, n), rng.integers(1, 9)) - 1 + top
    parents = pd.DataFrame({TAKEN: np.arange(n), COPIES: rng.multinomial(n, rng.dirichlet(np.ones(n))), DEPTH: depth, "f": rng.integers(3, size=n)})
    seekers = pd.DataFrame({ROW: np.arange(n), PARENT_ROW: -1, POSITION: 0, SIBLINGS: 1, DEPTH: depth, "f": parents["f"]})
    for side, step in ((seekers, -1), (parents, 0)):
        side["step"], side["both"] = depth + step, (depth + step) * 10 + side["f"]
    return Bucket(seekers, parents)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32), st.booleans(), st.booleans(), st.integers(0, 1))
def test_a_row_of_the_table_itself_is_below_its_parent(n: int, seed: int, fixed: bool, required: bool, top: int) -> None:
    bucket = forest(n, seed, top)
    step = "both" if fixed else "step"
    own = MatchRule(
        identity=("t", 0), seed=7, forest=True, required=required, closed=fixed, partners=n, fixed="f" if fixed else None, wished=(step,), within=step
    )
    pairs = bucket.matched(own)
    depth, group, there = bucket.parents[DEPTH], bucket.parents["f"], set(bucket.parents[step])
    ranks = {row: (d, row) for row, d in zip(pairs[ROW], depth, strict=True)}
    for row, taken, wanted in zip(pairs[ROW], pairs[TAKEN], bucket.seekers[step], strict=True):
        before = [r for r in ranks if ranks[r] < ranks[row] and (not fixed or group[r] == group[row])]
        if required and depth[row] == 0:
            assert taken == row
        elif wanted in there:
            assert depth[taken] == depth[row] - 1
        elif before:
            assert taken in before
        else:
            assert taken == (row if required else NOBODY)
        assert taken == NOBODY or not fixed or group[taken] == group[row]


def test_rows_of_a_forest_keep_the_numbers_of_children() -> None:
    rng = np.random.default_rng(2)
    depth = np.sort(rng.choice(4, 2000, p=[0.02, 0.1, 0.3, 0.58]))
    copies = np.where(depth < 3, rng.poisson(np.array([5.0, 3.0, 1.93, 0])[depth]), 0)
    parents = pd.DataFrame({TAKEN: np.arange(2000), COPIES: copies, DEPTH: depth, "step": depth})
    seekers = pd.DataFrame({ROW: np.arange(2000), PARENT_ROW: -1, POSITION: 0, SIBLINGS: 1, DEPTH: depth, "step": depth - 1})[depth > 0]
    own = MatchRule(identity=("t", 0), seed=7, forest=True, partners=2000, wished=("step",), within="step")
    pairs = match_bucket(seekers, parents, rule=own)
    assert (depth[pairs[TAKEN]] == depth[pairs[ROW]] - 1).all()
    made = np.bincount(pairs[TAKEN], minlength=2000)
    assert np.abs(np.bincount(made, minlength=12)[:12] - np.bincount(copies, minlength=12)[:12]).sum() <= 0.1 * 2000
