"""What was found, as a table and as HTML."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from detection_eyes import detected
from known_schemas import forum
from made_up_schemas import star

from synthohive_spark.detection import Detected
from synthohive_spark.spec.detection.findings import Finding
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.run_config import RunConfig


def found(frames: dict) -> Detected:
    metadata, findings = detected(frames)
    return Detected(metadata, tuple(findings))


def test_it_prints_as_an_aligned_table() -> None:
    lines = str(found(star().frames)).splitlines()
    assert lines[0].split() == ["table", "what", "found", "confidence", "reason"]
    place = lines[0].index("what")
    assert all(line[place - 1] == " " and line[place] != " " for line in lines)
    assert any("(store_key) -> dim_store(store_key) (orphans: null)" in line for line in lines)


def test_the_graph_has_a_box_for_each_table_and_a_line_for_each_key() -> None:
    one = found(forum().frames)
    svg = re.search(r"<svg.*</svg>", one._repr_html_(), re.DOTALL)
    assert svg is not None
    tree = ElementTree.fromstring(svg[0])
    boxes = [(float(r.get("x", 0)), float(r.get("y", 0)), float(r.get("height", 0))) for r in tree.iter("rect")]
    assert len(boxes) == len(one.metadata.tables)
    assert len(list(tree.iter("path"))) == sum(len(t.foreign_keys) for t in one.metadata.tables.values())
    tops = sorted(boxes)
    assert all(a[0] != b[0] or a[1] + a[2] <= b[1] for a, b in zip(tops, tops[1:], strict=False))
    _, _, width, height = map(float, tree.get("viewBox", "").split())
    assert all(x + 190 <= width and y + h <= height for x, y, h in boxes)


def test_names_are_escaped() -> None:
    metadata = Metadata().add_table("<b>&", pk="</svg>").add_table("t", fk={"<i>": "<b>&.</svg>"})
    finding = Finding(table="<b>&", what="primary key", columns=("</svg>",), confidence=0.5, reason="<script>")
    page = Detected(metadata, (finding,)).to_html()
    assert not re.search(r"<b>|<i>|<script>|</svg>(?!</div><table>)", page)
    assert "\n" not in str(Detected(metadata, (finding.model_copy(update={"columns": ("a\nb",)}),))).splitlines()[1]


def test_circles_and_self_references_are_drawn() -> None:
    metadata = Metadata().add_table("a", pk="i", fk={"b": "b.i", "up": "a.i"}).add_table("b", pk="i", fk={"a": "a.i", "out": "gone.i"})
    assert Detected(metadata, ()).to_html().count("<path") == 3


def test_the_yaml_runs_a_job_and_tells_why(tmp_path: Path) -> None:
    one = found(star().frames)
    one.to_yaml(tmp_path / "star.yaml", source="lake.shop")
    run = RunConfig.from_yaml(tmp_path / "star.yaml")
    assert run.source == "lake.shop" and run.metadata.to_dict() == one.metadata.to_dict()
    text = (tmp_path / "star.yaml").read_text(encoding="utf-8")
    assert re.search(r"# foreign key \(store_key\) -> dim_store\(store_key\) \(orphans: null\): 0\.\d\d, it has the name of the key", text)


def test_findings_by_what_they_are() -> None:
    one = found(star().frames)
    assert {f.what for f in one.keys} == {"primary key", "foreign key"} and len(one.keys) == 7
    assert not one.personal and not one.doubtful
