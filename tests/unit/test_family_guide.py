"""What rows of a family are told of those before them, and where rules across rows stand in a program."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from synthohive_spark.kernels.block import Parents
from synthohive_spark.kernels.family_guide import FamilyGuide
from synthohive_spark.spec.across_rows import AcrossRule, Lagged, Mirrored, Running, Shared
from synthohive_spark.spec.dependencies import Linear, Lookup, Unequal
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.planning.across import goes_round, with_across_rows
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import AcrossRows, Derive, Draw

VALUES = 40


def whole(name: str) -> NumberEncoding:
    """Code `n` is the number n - 10."""
    return NumberEncoding(
        name=name, spark_type="int", has_null=False, weights=(1 / VALUES,) * VALUES, tokens=tuple(float(i) for i in range(-10, VALUES - 10)), step=1.0
    )


def told(rules: list[AcrossRule], names: tuple[str, ...], sizes: list[int], drawn: np.ndarray) -> tuple[np.ndarray, dict[str, pa.Array]]:
    """The codes (n, M) of families that are drawn row after row, where `drawn` (n, M) is what the model would draw, and the guide's values."""
    of_child = np.repeat(np.arange(len(sizes)), sizes)
    position = np.concatenate([np.arange(size) for size in sizes])
    parents = Parents(pd.DataFrame({"x": range(len(sizes))}), of_child, position, np.repeat(sizes, sizes))
    encoding = TableEncoding(table="t", rows=100, columns=tuple(whole(name) for name in names))
    guide = FamilyGuide(rules, None, encoding, dict.fromkeys(names, "int"), parents, np.random.default_rng(1))
    codes = np.full(drawn.shape, -1, dtype=np.int64)
    for turn in range(max(sizes)):
        rows = np.flatnonzero(position == turn)
        known = codes[rows]
        guide.tell(rows, known, codes, lambda known, places, rows=rows: drawn[rows][:, places])
        codes[rows] = np.where(known < 0, drawn[rows], known)
        guide.remember(codes[rows])
    return codes - 10, guide.values()


def test_later_rows_know_what_follows_from_earlier_ones() -> None:
    rules: list[AcrossRule] = [
        Shared(column="a"),
        Mirrored(column="b", of="c"),
        Mirrored(column="c", of="b"),
        Running(column="d", terms=("e",), factors=(1,), digits=0, first="zero"),
        Lagged(column="f", of="e"),
    ]
    names = ("a", "b", "c", "d", "e", "f")
    drawn = np.random.default_rng(2).integers(8, 14, (6, 6))
    codes, values = told(rules, names, [2, 3, 1], drawn)
    free = drawn - 10
    assert codes[:, 0].tolist() == [free[0, 0]] * 2 + [free[2, 0]] * 3 + [free[5, 0]]
    assert codes[1, 1:3].tolist() == [free[0, 2], free[0, 1]], "the second of two rows"
    assert codes[3, 1:3].tolist() == free[3, 1:3].tolist(), "a family of three has no mirrors"
    assert codes[:, 3].tolist() == [*np.cumsum(free[:2, 4]), *np.cumsum(free[2:5, 4]), free[5, 4]]
    assert codes[[1, 3, 4], 5].tolist() == free[[0, 2, 3], 4].tolist()
    assert values["e"].to_pylist() == free[:, 4].tolist(), "what was added is what comes back"


def test_a_balance_begins_as_it_was_drawn() -> None:
    rule = Running(column="d", terms=("e",), factors=(-1,), digits=0, first="drawn")
    codes, values = told([rule], ("d", "e"), [3], np.array([[25, 12], [30, 11], [5, 9]]))
    assert codes[:, 0].tolist() == [15, 14, 15]
    assert values["d"].to_pylist()[0] == 15


def program(*dependencies: Linear | Lookup | Unequal) -> TableProgram:
    steps = (Draw(columns=("amount", "price", "balance", "before")), Derive(dependencies=dependencies))
    names = ("amount", "price", "quantity", "balance", "before", "currency")
    return TableProgram(table="t", rows=100, columns=tuple((n, "int", True) for n in names), phases=(Phase(steps=steps),))


def test_what_is_added_up_is_derived_ahead() -> None:
    amount = Linear(target="amount", determinants=("price", "quantity"), factors=(1.0, 1.0), digits=(0, 0, 0))
    balance = Running(column="balance", terms=("amount",), factors=(1,))
    made = with_across_rows(program(amount), [balance])
    assert [step.kind for step in made.steps] == ["draw", "derive", "across_rows", "derive"]
    ahead = made.steps[1]
    assert isinstance(ahead, Derive) and ahead.ahead and ahead.dependencies == (amount,)
    assert made.dependencies == (amount,)
    assert made.across == (balance,)


def test_rules_of_one_row_go_before_what_families_share() -> None:
    currency = Lookup(target="currency", determinants=("price",), keys=((1,),), values=(2,), counts=(9,))
    made = with_across_rows(program(currency), [Shared(column="currency"), Shared(column="price")])
    assert made.across == (Shared(column="price"),)
    apart = Unequal(target="price", determinants=("amount",))
    moved = with_across_rows(program(apart), [Shared(column="amount")])
    assert [step.dependencies for step in moved.of_kind(Derive) if isinstance(step, Derive)] == [(apart,), (apart,)], "before the family follows"


def test_nothing_waits_for_itself() -> None:
    balance = Running(column="balance", terms=("amount",), factors=(1,))
    around = Linear(target="amount", determinants=("balance", "before"), factors=(1.0, -1.0), digits=(0, 0, 0))
    assert goes_round(around, [balance])
    price = Linear(target="price", determinants=("balance",), factors=(1.0,), digits=(0, 0))
    amount = Linear(target="amount", determinants=("price",), factors=(1.0,), digits=(0, 0))
    assert not any(True for _ in with_across_rows(program(price, amount), [balance]).of_kind(AcrossRows))
