"""What notebooks show of metadata and of a synthesizer."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedSchema, FittedTable, ModelSpec
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.joint import JointKey, with_joint_keys
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Draw, KeyPattern, NumberKey
from synthohive_spark.spec.views.fitted import synthesizer_html
from synthohive_spark.spec.views.metadata import metadata_html

SHOP = (
    Metadata(orphans="null")
    .add_table("countries", pk="code", role="reference")
    .add_table("customers", pk="id", fk={"country": "countries.code"}, pii_cols={"mail": "email", "note": None}, order_by="since")
    .add_table("orders", pk=["customer", "number"], fk={"customer": "customers.id"}, constraints={"total": {"min": 0}}, duplicates="drop")
)


def parsed(page: str) -> ElementTree.Element:
    """The page, which is well-formed but for the `<br>` of cells."""
    return ElementTree.fromstring(page.replace("<br>", "<br/>"))


def test_metadata_shows_a_graph_and_a_row_for_each_table() -> None:
    tree = parsed(SHOP._repr_html_())
    assert len(list(tree.iter("rect"))) == 3 and len(list(tree.iter("path"))) == 2
    rows = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    assert rows[2] == ["customers", "id", "(country) -> countries(code), orphans: null", "made up: mail (email), noteordered by: since"]
    assert rows[3] == ["orders", "customer, number", "(customer) -> customers(id), orphans: null", "limits: totalduplicates: drop"]
    assert "3 tables, 2 foreign keys" in "".join(tree.itertext())


def test_names_are_escaped_and_schemas_of_any_size_shown() -> None:
    page = Metadata().add_table("<b>", pk="</td>")._repr_html_()
    assert "<b>" not in page and "&lt;b&gt;" in page and "&lt;/td&gt;" in page
    assert "<svg" not in metadata_html(Metadata()) and "0 tables" in metadata_html(Metadata())
    large = Metadata()
    for i in range(100):
        large.add_table(f"t{i}", pk="id", fk={"up": f"t{max(i - 1, 0)}.id"})
    assert "<svg" not in large._repr_html_() and large._repr_html_().count("<tr>") == 101


def fitted() -> FittedSchema:
    encoding = TableEncoding(table="orders", rows=70, columns=(NumberEncoding(name="total", spark_type="int", has_null=False, weights=(1.0,), tokens=(1.0,)),))
    program = TableProgram(
        table="orders",
        rows=1070,
        columns=(("id", "int", False), ("total", "int", False)),
        primary_key=("id",),
        phases=(Phase(steps=(NumberKey(column="id", pattern=KeyPattern()), Draw(columns=("total",)))),),
    )
    metadata = Metadata().add_table("countries", pk="code", role="reference").add_table("orders", pk="id")
    tables = {"orders": FittedTable(program, encoding, None, ModelSpec(name="autoregressive", row=(2,), context=()))}
    return FittedSchema(
        metadata, SchemaGraph(order=("countries", "orders")), tables, {"countries": "x"}, seed=42, version="1", reference_rows={"countries": 12}
    )


def test_a_synthesizer_tells_what_it_has_learnt() -> None:
    before = synthesizer_html(SHOP, None, {"orders": "ctgan", "customers": "mine"})
    assert "not fitted: 3 tables, row models: ctgan, mine" in before and "<svg" in before
    tree = parsed(synthesizer_html(SHOP, fitted(), {}))
    rows = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    assert rows[1:] == [["countries", "12", "copied as it is", "", "", ""], ["orders", "1,070", "autoregressive", "1", "1", ""]]
    assert "fitted with seed 42: 2 tables, 1,070 real rows" in "".join(tree.itertext())
    assert not re.search(r"<details>", synthesizer_html(SHOP, fitted(), {}))


def test_tables_that_were_made_for_joint_keys_are_not_shown() -> None:
    learnt = fitted()
    key = JointKey(table="orders", keys=(0, 1), columns=("a", "b"), parent="orders (a, b)", parent_columns=("a", "b"), made=True)
    inner = learnt.tables["orders"].program.model_copy(update={"table": key.parent, "rows": 9})
    tables = {key.parent: replace(learnt.tables["orders"], program=inner), **learnt.tables}
    asked = Metadata().add_table("countries", pk="code", role="reference").add_table("orders", pk="id", fk={"a": "countries.code", "b": "countries.code"})
    learnt = replace(learnt, metadata=with_joint_keys(asked, [key]), tables=tables, joint=(key,))
    page = synthesizer_html(asked, learnt, {})
    assert "2 tables, 1,070 real rows" in page and "orders (a, b)" not in page.partition("<details>")[0]
    assert "several rows for each (a, b)" in page
