"""The report: complete as JSON, self-contained and escaped as HTML, short in the terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from synthohive_spark.report import Report
from synthohive_spark.report_plots import distribution_plot, format_number, format_value
from synthohive_spark.spec.figures import FIGURES
from synthohive_spark.spec.findings import ABOVE, BELOW, NULL, OTHER, ColumnFinding, CorrelationFinding, Distribution, Findings, KeyFinding, TableFinding
from synthohive_spark.spec.relation_findings import PairFinding

HOSTILE = "<script>alert('x')</script>&\""
HOUR = 3600.0


def column(name: str, distance: float, distribution: Distribution, ceiling: float = 0.01) -> ColumnFinding:
    return ColumnFinding(column=name, metric="KS", distance=distance, ceiling=ceiling, null_rate_real=0.1, null_rate_synthetic=0.0, distribution=distribution)


@pytest.fixture
def findings() -> Findings:
    numbers = Distribution(
        kind="number", labels=(BELOW, "0", "10", ABOVE, NULL), real=(0.01, 0.6, 0.28, 0.01, 0.1), synthetic=(0, 0.5, 0.5, 0, 0), edges=(0, 10, 20)
    )
    names = Distribution(labels=(HOSTILE, "b", OTHER), real=(0.5, 0.3, 0.2), synthetic=(0.2, 0.3, 0.5))
    times = Distribution(kind="time", labels=(BELOW, "0", ABOVE), real=(0, 1, 0), synthetic=(0, 1, 0), edges=(0.0, 12 * HOUR))
    orders = TableFinding(
        table="orders",
        role="learnt",
        rows_real=1000,
        rows_synthetic=900,
        duplicate_keys=2,
        null_keys=1,
        columns=(column("fine", 0.02, times), column(HOSTILE, 0.4, names), column("amount", 0.1, numbers)),
        pairs=(
            PairFinding(first="fine", second="amount", distance=0.3, ceiling=0.1, floor=0.4),
            PairFinding(first="amount", second=HOSTILE, distance=0.1, ceiling=0.1, floor=0.2),
        ),
        correlations=(
            CorrelationFinding(first="fine", second="amount", real=0.5, synthetic=None),
            CorrelationFinding(first="fine", second="z", real=-0.5, synthetic=0.1),
        ),
        left_out={"id": "key"},
        pairs_possible=3,
    )
    lookup = TableFinding(table="lookup", role="reference", rows_real=5, rows_synthetic=5, duplicate_keys=0, null_keys=0, columns=(), pairs=(), correlations=())
    key = KeyFinding(
        key="orders(k) -> lookup(k)",
        table="orders",
        parent_table="lookup",
        orphans=7,
        distance=0.25,
        ceiling=0.05,
        null_rate_real=0,
        null_rate_synthetic=0.2,
        mean_real=200,
        mean_synthetic=180,
        distribution=Distribution(kind="count", labels=("0", "1", ABOVE), real=(0.5, 0.5, 0), synthetic=(1, 0, 0), edges=(0, 1, 2)),
    )
    return Findings.of((lookup, orders), (key, key.model_copy(update={"key": "copied", "copied": True, "orphans": 0, "distance": 1.0})))


def test_headline_scores_are_means_of_learnt_parts(findings: Findings) -> None:
    assert findings.shapes == pytest.approx(1 - (0.02 + 0.4 + 0.1) / 3)
    assert findings.pairs == pytest.approx(1 - 0.2)
    assert findings.pairs_floor == pytest.approx(1 - 0.3)
    assert findings.cardinality == pytest.approx(0.75)
    assert findings.cardinality_ceiling == pytest.approx(0.95)
    assert findings.faults == ("orders: 2 repeated primary keys", "orders: 1 null primary keys", "orders(k) -> lookup(k): 7 orphans")
    assert Findings.of((), ()).shapes is None


def test_json_holds_everything(findings: Findings) -> None:
    raw = json.loads(Report(findings, "t").to_json())
    assert raw.pop("title") == "t"
    assert raw.pop("faults") == list(findings.faults)
    assert raw.pop("figures")["pairs"] == {"name": "pairs", "value": findings.pairs, "ceiling": findings.pairs_ceiling, "floor": findings.pairs_floor}
    assert Findings.model_validate(raw) == findings


def test_page_is_escaped_and_needs_nothing_from_outside(findings: Findings) -> None:
    page = Report(findings, HOSTILE).to_html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)|@import|url\(", page)
    assert "prefers-color-scheme:dark" in page
    for svg in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        ElementTree.fromstring(svg)


def test_page_shows_the_worst_first_and_every_fault(findings: Findings) -> None:
    page = Report(findings).to_html()
    ranks = page[page.index('<table class="ranks">') :]
    assert ranks.index("&lt;script") < ranks.index(">amount<") < ranks.index(">fine<")
    assert "Look here first" in page and "is a reference table, copied as it is (5 rows)" in page and "Not compared (key): id." in page
    for fault in findings.faults:
        assert fault.replace(">", "&gt;") in page
    assert "2 of 3 pairs were compared" in page


def test_page_shows_the_floor_of_the_pairs_beside_their_ceiling(findings: Findings) -> None:
    page = Report(findings).to_html()
    assert "ceiling 0.900, floor 0.700" in page and 'style="left:70.00%"' in page
    assert page.count(", floor ") == 1 + 2 * 2  # the headline, and each pair on both sides of the matrix
    assert "0.900, 0.700" in page  # of the table
    assert Report(findings).summary().splitlines()[1] == "pairs         0.800   ceiling  0.900   floor  0.700"


def test_page_of_nothing() -> None:
    page = Report(Findings.of((), ())).to_html()
    assert "nothing to compare" in page and "Nothing to compare." in page


def test_summary_is_short_and_aligned(findings: Findings) -> None:
    lines = Report(findings).summary().splitlines()
    assert lines[0] == "shapes        0.827   ceiling  0.990"
    assert lines[3] == "cardinality   0.750   ceiling  0.950"
    assert [line.split()[0] for line in lines] == [*FIGURES, "faults", *("orders:", "orders:", "orders(k)")] and lines[len(FIGURES)].split() == ["faults", "3"]
    assert len({line.index("ceiling") for line in lines[:3]}) == 1
    assert "\N{EN DASH}" in Report(Findings.of((), ())).summary()


def test_save_by_suffix_stem_and_folder(findings: Findings, tmp_path: Path) -> None:
    report = Report(findings)
    assert report.save(tmp_path / "deep" / "a.html") == (str(tmp_path / "deep" / "a.html"),)
    assert (tmp_path / "deep" / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    report.save(str(tmp_path / "b.json"))
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))["faults"]
    report.save(tmp_path / "stem.v1")
    report.save(tmp_path / "deep")
    report.save(str(tmp_path / "new") + "/")
    for name in ("stem.v1.html", "stem.v1.json", "deep/report.html", "deep/report.json", "new/report.html", "new/report.json"):
        assert (tmp_path / name).stat().st_size > 100
    assert not (tmp_path / "b.html").exists()


def test_save_goes_through_fsspec(findings: Findings) -> None:
    import fsspec

    Report(findings).save("memory://reports/r.json")
    assert json.loads(fsspec.filesystem("memory").cat("/reports/r.json"))["keys"]


def test_numbers_and_times_are_short() -> None:
    assert [format_number(v) for v in (0, 1.5, 2013, 12000, 2.5e6, 0.05, 3e-7, -40)] == ["0", "1.5", "2013", "12k", "2.5M", "0.05", "3e-07", "-40"]
    days = Distribution(kind="time", edges=(0.0, 86400.0))
    assert format_value(86400.0 * 365, days) == "1971-01-01"
    assert format_value(1800.0, Distribution(kind="time", edges=(0.0, 1800.0))) == "1970-01-01 00:30"
    assert format_value(1e18, days) == "1e+18"


@pytest.mark.parametrize(
    "distribution", [Distribution(), Distribution(kind="number", labels=(BELOW, "0", ABOVE), real=(0, 0, 0), synthetic=(0, 0, 0), edges=(0, 1))]
)
def test_empty_plots_are_valid(distribution: Distribution) -> None:
    ElementTree.fromstring(str(distribution_plot(distribution)))
