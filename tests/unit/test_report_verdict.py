"""`print(report)` and `report.check`: what to trust, the worst first, and limits that name every figure that falls short."""

from __future__ import annotations

import pickle

import pytest
from report_keys import key_finding

from synthohive_spark.errors import QualityError
from synthohive_spark.report import Report
from synthohive_spark.report_verdict import verdict_on
from synthohive_spark.spec.cases import worst_first
from synthohive_spark.spec.figures import Figure
from synthohive_spark.spec.findings import ColumnFinding, Distribution, Findings, KeyFinding, RuleFinding, TableFinding
from synthohive_spark.spec.relation_findings import NearestFinding, PairFinding


def column(name: str, distance: float, ceiling: float = 0.01) -> ColumnFinding:
    return ColumnFinding(
        column=name,
        metric="KS",
        distance=distance,
        ceiling=ceiling,
        null_rate_real=0,
        null_rate_synthetic=0,
        distribution=Distribution(labels=("secret",), real=(1.0,), synthetic=(1.0,)),
    )


def table(name: str, columns: tuple[ColumnFinding, ...], pairs: tuple[PairFinding, ...] = (), repeats: int = 0) -> TableFinding:
    return TableFinding(
        table=name,
        role="learnt",
        rows_real=1000,
        rows_synthetic=900,
        duplicate_keys=repeats,
        null_keys=0,
        columns=columns,
        pairs=pairs,
        correlations=(),
    )


def key(child: str, parent: str, distance: float) -> KeyFinding:
    return key_finding(child, parent, "k", distance, 0.02)


def mixed(repeats: int = 0) -> Findings:
    pairs = tuple(PairFinding(first=f"p{i}", second="amount", distance=0.5 + i / 100, ceiling=0.02, floor=0.6) for i in range(9))
    tables = (table("orders", (column("fine", 0.012), column("amount", 0.05)), pairs, repeats), table("people", (column("age", 0.02),)))
    return Findings.of(tables, (key("orders", "people", 0.1),), (RuleFinding(table="orders", rule="a = b", share_real=1.0, rows=10, broken=1),))


def test_the_verdict_is_about_ten_lines_the_worst_first() -> None:
    lines = repr(Report(mixed())).splitlines()
    assert len(lines) <= 12 and max(map(len, lines)) < 200
    assert lines[0].startswith("Not to be trusted in everything") and "2 tables, 1 key, 1,800 synthetic rows beside 2,000 real ones" in lines[0]
    assert lines[1].split() == ["trust", "shapes", "0.973", "(ceiling", "0.990)"]
    assert lines[2].startswith("  look twice    cardinality 0.900 (ceiling 0.980)")
    assert lines[3].startswith("  do not trust  pairs 0.460 (ceiling 0.980)")
    assert lines[4].startswith("  worst         pairs 0.420 (ceiling 0.980): orders: p8 with amount")
    assert sum(" with amount" in line for line in lines) == 2, "of one figure two cases at most"
    assert lines[-1].split() == ["rules", "0", "of", "1", "hold", "on", "all", "rows"]
    assert "secret" not in repr(Report(mixed()))
    assert str(Report(mixed())) == repr(Report(mixed()))


def test_a_good_copy_and_nothing_at_all() -> None:
    good = Findings.of((table("orders", (column("fine", 0.01),)),), (key("orders", "people", 0.03),))
    assert repr(Report(good)).startswith("As good as it gets")
    assert not verdict_on(good).worst
    nothing = Report(Findings.of((), ()))
    assert repr(nothing).startswith("Nothing to compare. 0 tables, 0 keys")
    nothing.check(min_shapes=1, min_pairs=1, min_cardinality=1)


def test_broken_keys_come_before_everything() -> None:
    broken = Report(mixed(repeats=4))
    assert repr(broken).startswith("Broken: 1 fault in the keys.") and "broken        orders: 4 repeated primary keys" in repr(broken)
    assert verdict_on(mixed(repeats=4)).grade == "off"


def test_names_that_would_break_the_lines_do_not() -> None:
    odd = table("a\nb", (column("x" * 500, 0.9),))
    lines = repr(Report(Findings.of((odd,), ()))).splitlines()
    assert len(lines) == 3 and "a b: " + "x" * 57 + "..." in lines[2]


def test_notebooks_show_the_verdict_escaped() -> None:
    page = Report(Findings.of((table("<b>", (column("fine", 0.9),)),), ()))._repr_html_()
    assert page.startswith('<div class="shr">') and "&lt;b&gt;" in page and "<b>" not in page


def test_check_names_every_figure_that_falls_short() -> None:
    report = Report(mixed(repeats=1))
    report.check(min_shapes=0.97, max_faults=1)
    with pytest.raises(QualityError) as caught:
        report.check(min_shapes=0.98, min_pairs=0.9, min_cardinality=0.5)
    assert list(caught.value.shortfalls) == ["shapes", "pairs", "faults"]
    text = str(caught.value)
    assert text.startswith("3 figures fall short:\n  shapes: 0.973, at least 0.98 wanted, ceiling 0.990; worst: shapes 0.950 (ceiling 0.990): orders: amount")
    assert "faults: 1, at most 0 wanted: orders: 1 repeated primary keys" in text
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.shortfalls == caught.value.shortfalls and str(again) == text


@pytest.mark.parametrize("limit", [98, -0.1, True, "0.9", float("nan")])
def test_check_refuses_limits_that_are_none(limit: float) -> None:
    with pytest.raises(ValueError, match="numbers from 0 to 1; those for pairs are not"):
        Report(mixed()).check(min_pairs=limit)


def test_cases_are_ordered_over_all_kinds() -> None:
    cases = worst_first(mixed())
    assert [c.name for c in cases[:9]] == ["pairs"] * 9 and cases[9].name == "cardinality"
    assert cases[-1].badness <= cases[0].badness


def test_grades() -> None:
    assert [Figure(name="pairs", value=v, ceiling=0.98).grade for v in (0.99, 0.96, 0.9, 0.8)] == ["close", "close", "visible", "off"]
    assert Figure(name="pairs", value=None, ceiling=0.98).grade == "none"


def near(nearness: float | None, distance: float, same: float) -> Findings:
    """Of a table whose real rows lie 0.05 apart, and of which 1 % are there twice."""
    found = NearestFinding(nearness=nearness, distance=distance, distance_real=0.05, same=same, same_real=0.01, rows=4_000)
    return Findings.of((table("orders", (column("fine", 0.012),)).model_copy(update={"nearest": found}), table("other", ())), ())


def test_copied_rows_are_told_in_the_verdict_and_on_the_page() -> None:
    good, bad, unknown = Report(near(0.503, 0.06, 0.012)), Report(near(0.7, 0.01, 0.4)), Report(near(None, 0.05, 0.0))
    assert "privacy       no sign of copied rows: 0.503 nearer to rows that trained (0.5 is right), 1.20% are real ones again (1.00% of" in repr(good)
    assert "too near to real ones (nearness, distance, originality)" in repr(bad)
    assert "no sign of copied rows" in repr(Report(near(0.503, 0.03, 0.012)))  # the distance alone
    assert "not known which rows trained" in repr(unknown) and unknown.findings.figures["nearness"].grade == "none"
    for report in (good, bad):
        page = report.to_html()
        assert "<strong>Privacy.</strong>" in page and "of a real row, of real rows within 0.05." in page
    assert "privacy" not in repr(Report(mixed()))


def test_check_has_bounds_for_copied_rows() -> None:
    limits = {"max_nearness": 0.53, "min_distance": 0.9, "min_originality": 0.98}
    Report(near(0.503, 0.06, 0.012)).check(**limits)
    Report(mixed()).check(**limits)  # nothing was compared
    with pytest.raises(QualityError) as caught:
        Report(near(0.7, 0.01, 0.4)).check(**limits)
    assert list(caught.value.shortfalls) == ["nearness", "distance", "originality"]
    assert "nearness: 0.700, at most 0.53 wanted, ceiling 0.500; worst: nearness 0.700" in str(caught.value)
