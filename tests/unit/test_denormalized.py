"""Columns that belong to a parent's row: which key has them, and what the metadata says by then."""

from __future__ import annotations

from collections.abc import Mapping

from generated_schemas import GeneratedSchema
from test_planning import Schema, to

from synthohive_spark.spec.column_names import kind_of
from synthohive_spark.spec.denormalized import Denormalized
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.identifiers import HIDDEN_PREFIX
from synthohive_spark.spec.planning.denormalized import denormalized_columns
from synthohive_spark.spec.planning.programs import plan_schema
from synthohive_spark.spec.survey import KeyFacts, SiblingFacts

ORDER, PRODUCT, SELLER = range(3)


def shop(*, pk: str | list[str] = "id", pii: Mapping[str, str] | None = None) -> Schema:
    schema = Schema().table("orders", "order int!, day date", [(i, None) for i in range(40)], pk="order")
    schema.table("products", "product int!, kind string", [(i, "a") for i in range(10)], pk="product")
    schema.table("sellers", "seller int!, town string", [(i, "b") for i in range(4)], pk="seller")
    keys = [to(["order"], "orders"), to(["product"], "products"), to(["seller"], "sellers")]
    rows = [(i, i % 40, i % 10, i % 10 % 4, 1.5) for i in range(80)]
    columns = "id int!, order int!, product int!, seller int!, price double"
    return schema.table("items", columns, rows, pk=pk, foreign_keys=keys, pii_cols=dict(pii or {}))


def found(schema: Schema, constant: Mapping[int, tuple[str, ...]]) -> tuple[Denormalized, ...]:
    """What is taken where the survey sees that these columns are constant by key."""
    survey = GeneratedSchema(schema.metadata, schema.columns, schema.rows).survey()
    seen = survey.tables["items"]
    facts = tuple(
        KeyFacts.model_validate(key).model_copy(update={"siblings": tuple(SiblingFacts(column=c, nats=0.1, constant=True) for c in constant.get(i, ()))})
        for i, key in enumerate(seen.keys)
    )
    survey = survey.model_copy(update={"tables": {**survey.tables, "items": seen.model_copy(update={"keys": facts})}})
    graph = SchemaGraph.from_metadata(schema.metadata)
    plan = plan_schema(schema.metadata, graph, survey)
    assert plan.faults == [] and plan.programs["items"].driving == ORDER
    return denormalized_columns(schema.metadata, graph, survey, plan)


def entry(key: int, column: str) -> Denormalized:
    return Denormalized(table="items", key=key, column=column)


def test_what_is_the_same_in_all_rows_of_a_matched_parent_belongs_to_it() -> None:
    assert found(shop(), {PRODUCT: ("price",)}) == (entry(PRODUCT, "price"),)
    assert found(shop(), {}) == ()


def test_what_several_keys_decide_belongs_to_the_one_with_the_fewest_parents() -> None:
    assert found(shop(), {PRODUCT: ("price",), SELLER: ("price",)}) == (entry(SELLER, "price"),)


def test_what_the_driving_parent_decides_its_rows_know_anyway() -> None:
    assert found(shop(), {ORDER: ("price",), PRODUCT: ("price",)}) == ()


def test_keys_private_columns_and_what_must_be_unique_are_left_alone() -> None:
    assert found(shop(pii={"price": "name"}), {PRODUCT: ("price", "product", "seller")}) == ()


def test_two_tables_may_have_the_same_column_of_one_parent() -> None:
    names = {Denormalized(table=table, key=key, column="price").name for table in ("items", "returns") for key in (0, 1)}
    assert len(names) == 4 and all(name.startswith(HIDDEN_PREFIX) for name in names)


def test_the_name_of_a_column_tells_what_it_holds_in_the_parents_rows_too() -> None:
    assert kind_of(Denormalized(table="order_lines", key=0, column="seller_email").name) == kind_of("seller_email") is not None


def test_a_key_that_is_part_of_the_primary_key_brings_what_belongs_to_its_row() -> None:
    assert found(shop(pk=["order", "product"]), {PRODUCT: ("price",)}) == (entry(PRODUCT, "price"),)
