"""The page: the verdict first, a graph of the tables, one part per table, and bounds on its size."""

from __future__ import annotations

import html
import json
import re
from xml.etree import ElementTree

import pytest
from report_keys import key_finding

from synthohive_spark import report_notebook
from synthohive_spark.report import Report
from synthohive_spark.report_graph import Link, Node, graph
from synthohive_spark.report_verdict import verdict_on
from synthohive_spark.spec.findings import ABOVE, BELOW, ColumnFinding, CorrelationFinding, Distribution, Findings, KeyFinding, TableFinding
from synthohive_spark.spec.relation_findings import AcrossFinding, ClassifierFinding, PairFinding, PathFinding

NUMBERS = Distribution(
    kind="number",
    labels=(BELOW, *(str(i) for i in range(40)), ABOVE),
    real=(0.005, *([0.02475] * 40), 0.005),
    synthetic=(0, *([0.025] * 40), 0),
    edges=tuple(float(i) for i in range(41)),
)


def table(name: str, columns: int, distance: float = 0.02) -> TableFinding:
    names = [f"column_{i:03}" for i in range(columns)]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]][:2000]
    return TableFinding(
        table=name,
        role="learnt",
        rows_real=1000,
        rows_synthetic=1000,
        duplicate_keys=0,
        null_keys=0,
        columns=tuple(
            ColumnFinding(column=c, metric="KS", distance=distance, ceiling=0.01, null_rate_real=0.1, null_rate_synthetic=0.1, distribution=NUMBERS)
            for c in names
        ),
        pairs=tuple(PairFinding(first=a, second=b, distance=distance, ceiling=0.01, floor=0.4) for a, b in pairs),
        correlations=tuple(CorrelationFinding(first=a, second=b, real=0.5, synthetic=0.4) for a, b in pairs),
        c2st=ClassifierFinding(auc=0.5 + distance, ceiling=0.501, floor=0.9, rows=1000, features=((names[0], 0.1),) if names else ()),
    )


def key(child: str, parent: str, distance: float = 0.02) -> KeyFinding:
    pairs = tuple(PairFinding(first=f"a{i}", second=f"b{i}", distance=distance, ceiling=0.01, floor=0.4) for i in range(12))
    across = AcrossFinding(distance=distance, ceiling=0.01, floor=0.4, count=12, possible=99, pairs=pairs)
    telling = ClassifierFinding(auc=0.93, rows=400, features=(("mean of <b>", 0.2),))
    told = {"parent_pairs": across, "siblings": across, "sequence": across, "c2st_agg": telling}
    return key_finding(child, parent, "id", distance, 0.01, distribution=NUMBERS.model_copy(update={"kind": "count"}), **told)


@pytest.fixture(scope="module")
def findings() -> Findings:
    path = PathFinding(table="lines", path="lines(c) -> people(id), and through orders by o", real=1.0, synthetic=0.4, ceiling=0.01)
    tables = (table("people", 3), table("orders", 3, 0.3), table("lines", 2))
    return Findings.of(tables, (key("orders", "people"), key("lines", "orders", 0.2)), paths=(path,))


def test_the_first_screen_is_the_verdict(findings: Findings) -> None:
    page = Report(findings).to_html()
    top = page[page.index("<body>") : page.index("Tables and their keys")]
    assert top.index("verdict off") < top.index("Trust") < top.index("Do not trust") < top.index("Look here first") < top.index('class="figs"')
    assert 'href="#t2"' in top and "and through orders by o" in top, "the worst case leads to its table"
    assert all(f'id="t{i}"' in page for i in range(3))


def test_every_link_of_the_page_leads_somewhere(findings: Findings) -> None:
    page = Report(findings).to_html()
    ids = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]*)"', page)) <= ids and len(ids) == 3


def test_relations_and_what_gives_rows_away_are_shown_escaped(findings: Findings) -> None:
    page = Report(findings).to_html()
    part = page[page.index('id="t1"') :]
    assert "mean of &lt;b&gt;" in part and "mean of <b>" not in page
    assert "AUC 0.930, ceiling 0.500" in part and "400 rows of each side" in part
    assert "12 of 99 pairs were compared" in part and "a row and the next of its parent" in part
    assert "through orders by o</td><td>0.400</td>" in page[page.index("Two ways to one row") :]


def test_tables_are_the_worst_first_and_few_are_open(findings: Findings) -> None:
    page = Report(findings).to_html()
    order = re.findall(r'<details class="table"( open)?>\s*<summary><span class="mono">(\w+)<', page)
    assert [name for _, name in order][0] == "orders" and all(is_open for is_open, _ in order)
    many = Report(Findings.of(tuple(table(f"t{i}", 1) for i in range(30)), ())).to_html()
    assert '<details class="table" open>' not in many and many.count('<details class="table">') == 30


def test_notebooks_show_the_figures_and_the_whole_page_within_its_bounds(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(findings)
    page = report._repr_html_()
    verdict = verdict_on(report.findings)
    shown = {grade: page.count(f'<span class="tag {grade}">') for grade in ("off", "visible", "close")}
    assert shown == {"off": len(verdict.distrusted), "visible": len(verdict.doubted), "close": len(verdict.trusted)}
    inside = re.search(r'<iframe [^>]*sandbox srcdoc="([^"]*)"></iframe>', page)
    assert inside is not None and html.unescape(inside[1]).startswith("<!doctype html>")
    monkeypatch.setattr(report_notebook, "MOST_BYTES", 1000)
    small = report._repr_html_()
    assert "<iframe" not in small and "report.save(" in small and "<table>" in small


def test_a_hundred_tables_of_a_hundred_columns_stay_below_ten_megabytes() -> None:
    tables = tuple(table(f"table_{i:03}", 100) for i in range(100))
    keys = tuple(key(f"table_{i:03}", f"table_{(i - 1) // 3:03}") for i in range(1, 100))
    page = Report(Findings.of(tables, keys)).to_html()
    assert len(page.encode()) < 10_000_000
    assert page.count('<details class="table">') == 100 and page.count('class="node') == 100
    assert "column_099" in page and "are in the list only" in page


def test_the_graph_puts_parents_left_and_bears_circles() -> None:
    nodes = [Node("a", "close", "1"), Node("b", "off", "2", "t1"), Node("c<", "none", "3")]
    links = [Link("b", "a", "close", "x"), Link("c<", "b", "off", "y"), Link("b", "b", "visible", "self"), Link("b", "gone", "off", "z")]
    drawn = str(graph(nodes, links))
    root = ElementTree.fromstring(drawn)
    boxes = [float(r.attrib["x"]) for r in root.iter("rect")]
    assert boxes[0] < boxes[1] < boxes[2] and drawn.count('class="link') == 3 and "c&lt;" in drawn
    ring = graph([Node(n, "close", "") for n in "xyz"], [Link("x", "y", "close", ""), Link("y", "z", "close", ""), Link("z", "x", "close", "")])
    assert float(ElementTree.fromstring(str(ring)).attrib["width"]) < 1000
    assert str(graph([], [])).startswith("<svg")


def test_json_has_stable_keys(findings: Findings) -> None:
    raw = json.loads(Report(findings).to_json())
    likeness = ["shapes", "pairs", "parent_pairs", "cardinality", "siblings", "sequence", "paths", "c2st", "c2st_parent", "c2st_agg"]
    assert list(raw["figures"]) == [*likeness, "tstr", "nearness", "membership", "distance", "originality"]
    assert set(raw["figures"]["c2st"]) == {"name", "value", "ceiling", "floor"}
    scores = {f"{name}{end}" for name in ("shapes", "pairs", "cardinality") for end in ("", "_ceiling")} | {"pairs_floor"}
    assert set(raw) == {"title", "faults", "figures", "tables", "keys", "rules", "paths"} | scores
    assert set(raw["tables"][0]["c2st"]) == {"auc", "ceiling", "floor", "rows", "features"}


def test_rows_for_trends(findings: Findings) -> None:
    rows = Report(findings, "shop").to_frame()
    assert list(rows.columns) == ["made", "title", "figure", "table", "what", "value", "ceiling", "floor", "grade"]
    whole = rows[rows["table"] == ""]
    assert list(whole["figure"]) == list(findings.figures) and whole["value"].iloc[0] == pytest.approx(findings.shapes)
    assert set(rows["title"]) == {"shop"} and {"people", "orders", "lines"} < set(rows["table"])
    assert (rows["figure"] == "c2st_agg").sum() == 3 and rows["made"].nunique() == 1
