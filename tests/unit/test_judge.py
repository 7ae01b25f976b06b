"""The verdicts on one table: what rows have to do with their parents and siblings, on real rows beside copies that keep it or lose it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from judge_samples import sample_rows

from synthohive_spark.kernels.judge.asked import HASH_RANGE, JudgedKey, JudgedPath, JudgedTable
from synthohive_spark.kernels.judge.judge import judge_tables
from synthohive_spark.kernels.judge.rows import FAMILY

PARENTS, CHILDREN = 300, 1_500


def key(**changes: Any) -> JudgedKey:
    return JudgedKey(**({"label": "shops", "names": ("size",), "kinds": ("number",), "itself": False, "copied": False} | changes))


def table(**changes: Any) -> JudgedTable:
    return JudgedTable(**({"name": "sales", "names": ("price", "day", "word"), "kinds": ("number", "time", "label"), "keys": (key(),), "finest": 0} | changes))


def side(synthetic: bool, keeps: bool, seed: int, role: int | None = None) -> list[pa.Table]:
    """Shops with a size, and sales whose price follows it and whose word is that of the sale before, or does not."""
    rng = np.random.default_rng(seed)
    ids, size = np.sort(rng.choice(2**61, PARENTS, replace=False)) + 1, rng.normal(size=PARENTS)
    at = np.sort(rng.integers(0, PARENTS, CHILDREN))
    follows = at if keeps else rng.permutation(at)
    price = size[follows] + 0.3 * rng.normal(size=CHILDREN)
    day = rng.permutation(CHILDREN).astype(float)
    word = np.empty(CHILDREN, dtype=object)
    for shop in np.unique(at):
        rows = np.flatnonzero(at == shop)
        rows = rows[np.argsort(day[rows])]
        runs = (np.arange(len(rows)) + rng.integers(4)) % 4
        word[rows] = [f"w{r}" for r in (runs if keeps else rng.integers(0, 4, len(rows)))]
    own = sample_rows(synthetic, [price, day], [word], [ids[at]], seed=seed, **({} if role is None else {"role": role}))
    return [own, sample_rows(synthetic, [size], [], [ids], role=0, ids=ids)]


def verdicts(asked: JudgedTable, *parts: list[pa.Table], seed: int = 0) -> dict[str, Any]:
    group = pa.concat_tables([one for part in parts for one in part])
    shuffled = group.take(pa.array(np.random.default_rng(seed).permutation(len(group))))
    found: dict[str, Any] = json.loads(judge_tables(shuffled, tables={0: asked}, seed=3)["found"][0].as_py())
    return found


def test_a_copy_that_keeps_relations_is_close_to_its_ceilings() -> None:
    found = verdicts(table(), side(False, True, 1), side(True, True, 2))
    (along,) = found["keys"]
    distance, ceiling, floor = along["parent_pairs"]["mean"]
    assert distance < ceiling + 0.02 and floor > distance + 0.08
    assert along["parent_pairs"]["count"] == along["parent_pairs"]["possible"] == 3
    assert found["c2st_parent"]["value"] < 0.56 and found["c2st_parent"]["floor"] > 0.75 and found["c2st"]["value"] < 0.54
    sequence = {name: rest for name, *rest in along["sequence"]}
    assert sequence["word"][0] < 0.05 and sequence["word"][2] > 0.5, "independent words would be far"
    assert along["c2st_agg"]["value"] < 0.6 and along["c2st_agg"]["rows"] == PARENTS
    assert all(v["ceiling"] < 0.7 for v in (found["c2st"], found["c2st_parent"], along["c2st_agg"]))


def test_a_copy_that_loses_them_is_told_and_by_what() -> None:
    found = verdicts(table(), side(False, True, 1), side(True, False, 2))
    (along,) = found["keys"]
    assert found["c2st"]["value"] < 0.54, "each row by itself is as the real ones are"
    assert found["c2st_parent"]["value"] > 0.8 and found["c2st_parent"]["value"] == pytest.approx(found["c2st_parent"]["floor"], abs=0.05)
    assert {name for name, _ in found["c2st_parent"]["features"]} == {"price", "shops.size"}
    worst = along["parent_pairs"]["worst"][0]
    assert worst[:2] == ["price", "size"] and worst[2] == pytest.approx(worst[4], abs=0.05), "as far as independent columns"
    sequence = {name: rest for name, *rest in along["sequence"]}
    assert sequence["word"][0] > 0.5 and sequence["word"][1] < 0.1
    siblings = {name: rest for name, *rest in along["siblings"]}
    assert siblings["price"][0] > siblings["price"][1] + 0.2
    assert along["c2st_agg"]["value"] > 0.9 and along["c2st_agg"]["features"][0][0] in ("spread of price", "mean of price", "size")


def test_the_order_of_the_rows_does_not_matter() -> None:
    parts = [[one.slice(0, 250) for one in side(synthetic, True, 1)] for synthetic in (False, True)]
    assert verdicts(table(), *parts, seed=1) == verdicts(table(), *parts, seed=2)


def test_the_own_table_as_parent_is_no_context() -> None:
    asked = table(keys=(key(itself=True, names=("price", "day", "word"), kinds=("number", "time", "label")),), finest=None)
    parts = []
    for synthetic in (False, True):
        own = side(synthetic, True, 1 + synthetic)[0]
        above = own.set_column(2, "role", pa.array(np.zeros(len(own), dtype="int32")))
        parts.append([own, above])
    found = verdicts(asked, *parts)
    assert found["c2st_parent"] is None and found["keys"][0]["parent_pairs"] is None and found["keys"][0]["siblings"]


def test_of_a_sample_siblings_are_those_of_whole_families() -> None:
    asked = table(whole=False, keys=(key(families=(0.5, 0.5), parents=(0.5, 0.5)),))
    parts = []
    for synthetic in (False, True):
        own, above = side(synthetic, True, 1 + synthetic)
        links = np.array(own["links"].to_pylist())[:, 0]
        inside = np.mod(links, HASH_RANGE) < HASH_RANGE // 2
        family = own.filter(pa.array(inside)).set_column(2, "role", pa.array(np.full(inside.sum(), FAMILY, dtype="int32")))
        parts.append([own.slice(0, 300), above, family])
    (along,) = verdicts(asked, *parts)["keys"]
    assert {name: rest[0] < 0.1 for name, *rest in along["sequence"]}["word"]
    assert 0.4 * PARENTS < along["c2st_agg"]["rows"] < 0.6 * PARENTS and along["c2st_agg"]["value"] < 0.62
    few = table(whole=False, keys=(key(few=True),))
    (along,) = verdicts(few, *parts)["keys"]
    assert along["sequence"] is None and along["c2st_agg"] is None and along["siblings"] is not None


@pytest.mark.parametrize("kept", [(), (False,), (True,)])
def test_where_all_families_are_too_large_to_be_there_the_sample_tells_of_siblings(kept: tuple[bool, ...]) -> None:
    """On one side or both."""
    families = [side(synthetic, True, 5, role=FAMILY)[:1] for synthetic in kept]
    found = verdicts(table(whole=False), side(False, True, 1), side(True, True, 2), *families)
    (along,) = found["keys"]
    assert along["siblings"] and along["sequence"] is None and along["c2st_agg"] is None and along["parent_pairs"]


def test_two_ways_lead_to_one_row_as_often_as_they_do() -> None:
    rng = np.random.default_rng(0)
    asked = JudgedTable(
        "payments", (), (), (key(label="customers", names=(), kinds=()), key(label="rentals", names=(), kinds=())), paths=(JudgedPath(0, 1, 0),)
    )
    parts = []
    for synthetic, share in ((False, 1.0), (True, 0.25)):
        customers, rentals = np.arange(1, 51), np.arange(101, 401)
        whose = rng.choice(customers, len(rentals))
        at = rng.integers(0, len(rentals), 2_000)
        direct = np.where(rng.random(2_000) < share, whose[at], 0)  # the others are of nobody, or of another
        direct = np.where(direct == 0, whose[at] % 50 + 1, direct)
        direct[:10] = 0
        parts.append(
            [
                sample_rows(synthetic, links=[direct, rentals[at]], seed=4),
                sample_rows(synthetic, ids=customers, role=0),
                sample_rows(synthetic, ids=rentals, links=[whose], role=1),
            ]
        )
    (path,) = verdicts(asked, *parts)["paths"]
    assert path["real"] == 1.0 and path["synthetic"] == pytest.approx(0.25, abs=0.03) and path["rows"] == 1_990


def test_small_and_empty_sides_say_nothing() -> None:
    few = [one.slice(0, 20) for one in side(False, True, 1)]
    none = [one.slice(0, 0) for one in side(True, True, 2)]
    found = verdicts(table(), few, none)
    assert found["c2st"] is None and found["c2st_parent"] is None and found["keys"][0]["siblings"] == [] and found["keys"][0]["c2st_agg"] is None
    assert found["keys"][0]["parent_pairs"]["mean"][0] == 1.0
