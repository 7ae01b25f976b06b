"""Rules of the planner, each on the smallest schema that needs it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from generated_schemas import GeneratedSchema

from synthohive_spark.spec.across_rows import Running, Shared
from synthohive_spark.spec.dependencies import DatePart
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.hidden import GAP, PARENT_ROW, POSITION, SIBLINGS, count_column, same_column, status_column
from synthohive_spark.spec.metadata import ForeignKey, Metadata
from synthohive_spark.spec.planning.programs import SchemaPlan, plan_schema
from synthohive_spark.spec.planning.rewritten import with_form_of_order, with_key_lengths
from synthohive_spark.spec.planning.room import Room, largest_number
from synthohive_spark.spec.planning.turns import often_known, turns
from synthohive_spark.spec.program import Match, Phase, TableProgram
from synthohive_spark.spec.steps import AcrossRows, Carry, Combine, Derive, Distinct, Draw, KeyPattern, NumberKey, ParentKey, Series
from synthohive_spark.spec.survey import KeyFacts, SiblingFacts, SinceFacts, TraitFacts
from synthohive_spark.stages.twins import has_pairs

Rows = list[tuple[Any, ...]]


class Schema:
    """Tables with their rows. A column is `name type`, with a `!` where it must not be null."""

    def __init__(self) -> None:
        self.metadata = Metadata()
        self.columns: dict[str, tuple[tuple[str, str, bool], ...]] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def table(self, name: str, columns: str, rows: Rows, **fields: Any) -> Schema:
        split = [column.split() for column in columns.split(", ")]
        self.metadata.add_table(name, **fields)
        self.columns[name] = tuple((n, kind.rstrip("!"), not kind.endswith("!")) for n, kind in split)
        self.rows[name] = [dict(zip([n for n, _ in split], row, strict=True)) for row in rows]
        return self

    def plan(self) -> SchemaPlan:
        survey = GeneratedSchema(self.metadata, self.columns, self.rows).survey()
        return plan_schema(self.metadata, SchemaGraph.from_metadata(self.metadata), survey)

    def program(self, name: str) -> TableProgram:
        plan = self.plan()
        assert plan.faults == []
        return plan.programs[name]


def to(columns: list[str], parent: str, parent_columns: list[str] | None = None) -> dict[str, Any]:
    return {"columns": columns, "parent_table": parent, "parent_columns": parent_columns or columns}


def match_of(program: TableProgram, key: int) -> Match:
    return next(m for m in program.matches if m.key == key)


def companies() -> Schema:
    return Schema().table("companies", "company int!", [(1,), (2,)], pk="company")


def tenants(boss: str) -> Schema:
    """Departments point at employees of their own company, who point at departments."""
    schema = companies()
    keys = [to(["company"], "companies"), to(["company", "boss"], "employees", ["company", "no"])]
    schema.table("departments", f"company int!, dept int!, boss {boss}", [(1, 1, 7), (2, 1, 8)], pk=["company", "dept"], foreign_keys=keys)
    keys = [to(["company"], "companies"), to(["company", "dept"], "departments")]
    return schema.table("employees", "company int!, no int!, dept int!", [(1, 7, 1), (2, 8, 1)], pk=["company", "no"], foreign_keys=keys)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_key_whose_pairs_of_rows_mirror_each_other_drives(mirrored: bool) -> None:
    schema = Schema().table("teams", "team int!", [(i,) for i in range(60)], pk="team").table("matches", "match int!", [(i,) for i in range(25)], pk="match")
    sides = [(i, i // 2, i, (i ^ 1) % 60) for i in range(50)]
    keys = [to(["team"], "teams"), to(["other"], "teams", ["team"]), to(["match"], "matches")]
    schema.table("sides", "id int!, match int!, team int!, other int!", sides, pk="id", foreign_keys=keys)
    survey = GeneratedSchema(schema.metadata, schema.columns, schema.rows).survey()
    seen = survey.tables["sides"]
    facts = tuple(f and f.model_copy(update={"mirrored": mirrored and i == 2}) for i, f in enumerate(seen.keys))
    survey = survey.model_copy(update={"tables": {**survey.tables, "sides": seen.model_copy(update={"keys": facts})}})
    plan = plan_schema(schema.metadata, SchemaGraph.from_metadata(schema.metadata), survey)
    assert plan.faults == [] and plan.programs["sides"].driving == (2 if mirrored else 0)


@pytest.mark.parametrize(("nats", "gain", "driving"), [(3.0, 0.0, 0), (3.0, 2.5, 1), (0.5, 0.0, 1)])
def test_a_coarser_key_drives_where_a_match_would_lose_far_more_of_its_siblings(nats: float, gain: float, driving: int) -> None:
    schema = (
        Schema()
        .table("users", "user int!", [(i,) for i in range(3)], pk="user")
        .table("films", "film int!, kind string", [(i, "a") for i in range(9)], pk="film")
    )
    rows = [(user, film, 1000 * user + film) for user in range(3) for film in range(9)]
    schema.table("ratings", "user int!, film int!, at int", rows, pk=["user", "film"], foreign_keys=[to(["user"], "users"), to(["film"], "films")])
    survey = GeneratedSchema(schema.metadata, schema.columns, schema.rows).survey()
    seen = survey.tables["ratings"]
    facts = KeyFacts.model_validate(seen.keys[0]).model_copy(
        update={"siblings": (SiblingFacts(column="at", nats=nats),), "traits": (TraitFacts(column="age", gain=gain),) if gain else ()}
    )
    survey = survey.model_copy(update={"tables": {**survey.tables, "ratings": seen.model_copy(update={"keys": (facts, seen.keys[1])})}})
    plan = plan_schema(schema.metadata, SchemaGraph.from_metadata(schema.metadata), survey)
    assert plan.faults == [] and plan.programs["ratings"].driving == driving


def test_parents_come_in_pairs_where_nearly_all_with_rows_have_two() -> None:
    assert has_pairs({0: 900, 2: 95, 1: 4, 3: 1}) and not has_pairs({2: 80, 1: 20}) and not has_pairs({2: 10}) and not has_pairs({})


def test_tables_of_one_tenant_may_point_at_each_other() -> None:
    program = tenants("int").program("departments")
    assert match_of(program, 1) in program.deferred
    assert match_of(program, 1).fixed == ("company",) and match_of(program, 1).emptied == ("boss",)


def test_a_key_that_waits_and_must_not_be_null_is_refused() -> None:
    (fault,) = tenants("int!").plan().faults
    assert fault.startswith("table 'departments': foreign key (company, boss)") and "let its other columns be null, or leave this key out" in fault


def test_a_match_that_gives_part_of_the_primary_key_is_required() -> None:
    schema = Schema().table("days", "day date!, shift int!", [], pk=["day", "shift"]).table("staff", "id int!", [], pk="id")
    keys = [to(["id"], "staff"), to(["day", "shift"], "days")]
    program = schema.table("work", "id int!, day date!, shift int", [], pk=["id", "day"], foreign_keys=keys).program("work")
    found = match_of(program, 1)
    assert program.driving == 0 and found.required and found.emptied == ("shift",)
    assert found.apart[0].before == (PARENT_ROW,) and found.apart[0].own == ("day",)


def orders(rows: Rows) -> Schema:
    """A line points at a product, and at a variant of that product which may be missing."""
    schema = Schema().table("orders", "order int!", [(1,), (2,)], pk="order").table("products", "product int!", [(1,), (2,)], pk="product")
    schema.table("variants", "product int!, variant int!", [(1, 1), (2, 1)], pk=["product", "variant"], fk={"product": "products.product"})
    keys = [to(["order"], "orders"), to(["product"], "products"), to(["product", "variant"], "variants")]
    return schema.table("lines", "order int!, line int!, product int, variant int", rows, pk=["order", "line"], foreign_keys=keys)


def test_a_key_inside_another_one_follows_from_it() -> None:
    program = orders([(1, 1, 1, 1), (2, 1, 2, 1)]).program("lines")
    assert [m.key for m in program.matches] == [2]


def test_rows_without_the_larger_key_find_a_partner_for_the_smaller_one() -> None:
    program = orders([(1, 1, 1, 1), (1, 2, 2, None), (2, 1, 2, 1)]).program("lines")
    larger, smaller = match_of(program, 2), match_of(program, 1)
    assert larger.status and larger.emptied == ("variant",)
    assert [m.key for m in program.matches] == [2, 1] and smaller.filled == ("product",)


def test_where_both_keys_are_null_together_one_match_is_enough() -> None:
    program = orders([(1, 1, 1, 1), (1, 2, None, None), (2, 1, 2, 1)]).program("lines")
    assert [m.key for m in program.matches] == [2] and match_of(program, 2).emptied == ("product", "variant")


def test_a_driving_key_leaves_what_a_smaller_key_fills() -> None:
    schema = Schema().table("days", "day date!", [("d1",), ("d2",)], pk="day")
    schema.table("shifts", "day date!, shift int!", [("d1", 1), ("d2", 1)], pk=["day", "shift"], fk={"day": "days.day"})
    keys = [to(["day", "shift"], "shifts"), to(["day"], "days")]
    program = schema.table("work", "day date, shift int", [("d1", 1), ("d2", 1), ("d2", None)], foreign_keys=keys).program("work")
    assert program.driving == 0 and program.fallback == ()
    assert match_of(program, 1).filled == ("day",)
    first = program.phases[0]
    assert any(isinstance(step, ParentKey) for step in first.steps) and "day" in first.passed_on  # the match looks at it


def test_a_nullable_key_does_not_drive_a_table_whose_primary_key_it_is_part_of() -> None:
    schema = Schema().table("shifts", "day date!, shift int!", [("d1", 1), ("d2", 1)], pk=["day", "shift"])
    rows = [("d1", 1, 1), ("d1", 2, None), ("d2", 1, 1)]
    program = schema.table("work", "day date!, no int!, shift int", rows, pk=["day", "no"], foreign_keys=[to(["day", "shift"], "shifts")]).program("work")
    assert program.driving is None and match_of(program, 0).required


def test_columns_refer_to_generated_keys_over_several_tables_in_any_order() -> None:
    """`a.b` points at `b.a`, which points at the generated `a.id`."""
    schema = Schema().table("a", "id int!, b int", [(1, 1), (2, None)], pk="id", fk={"b": "b.a"})
    plan = schema.table("b", "a int!", [(1,)], pk="a", fk={"a": "a.id"}).plan()
    assert plan.faults == [] and plan.programs["a"].opaque == ("b", "id")
    assert [hint.name for hint in plan.hints["a"]] == [status_column(0)]


def test_what_is_filled_in_last_cannot_be_pointed_at() -> None:
    schema = Schema().table("a", "id int!, boss int, code date!", [(1, None, "d")], pk="id", foreign_keys=[to(["boss"], "a", ["id"])])
    schema.table("b", "boss int, code date!", [], foreign_keys=[to(["code", "boss"], "a")])
    (fault,) = schema.plan().faults
    assert fault.startswith("table 'b': foreign key (code, boss)") and "(boss) of 'a' is filled in last" in fault and "point at the primary key" in fault


# ---- keys to reference tables


def cities() -> Schema:
    rows = [("at", "wien"), ("ch", "bern")]
    return (
        Schema().table("cities", "country string!, city string!", rows, pk=["country", "city"], role="reference").table("firms", "firm int!", [(1,)], pk="firm")
    )


@pytest.mark.parametrize(("pk", "step"), [(["day", "country", "city"], Series), (["firm", "day", "country", "city"], Distinct)])
def test_combinations_of_a_reference_table_are_one_part_of_a_unique_key(pk: list[str], step: type[Series] | type[Distinct]) -> None:
    keys = [to(["country", "city"], "cities"), *([to(["firm"], "firms")] if "firm" in pk else [])]
    columns = ", ".join(f"{c} {'int' if c == 'firm' else 'date' if c == 'day' else 'string'}!" for c in pk)
    program = cities().table("t", columns, [], pk=pk, foreign_keys=keys).program("t")
    (found,) = (s for s in program.steps if isinstance(s, step))
    assert found.references == (0,) and set(found.columns) == {"day", "country", "city"}
    assert not any(isinstance(s, Combine) and s.fixed for s in program.steps)


def test_the_rest_of_a_reference_key_follows_the_part_that_makes_rows_unique() -> None:
    keys = [to(["firm"], "firms"), to(["country", "city"], "cities")]
    program = cities().table("t", "firm int!, city string!, country string!", [], pk=["firm", "city"], foreign_keys=keys).program("t")
    kinds = [step.kind for step in program.steps]
    assert kinds.index("combine") > kinds.index("distinct")
    assert next(s for s in program.steps if isinstance(s, Combine)).fixed == ("city",)


def test_a_reference_key_is_refused_where_a_generated_key_fills_part_of_it() -> None:
    schema = Schema().table("firms", "firm int!", [(1,)], pk="firm")
    schema.table("rates", "firm int!, rate int!", [(1, 1)], pk=["firm", "rate"], role="reference")
    (fault,) = schema.table("t", "firm int!, rate int!", [(1, 1)], foreign_keys=[to(["firm"], "firms"), to(["firm", "rate"], "rates")]).plan().faults
    assert "(firm) is part of the key (firm) -> firms(firm), too, whose values are made anew" in fault and "or make 'rates' learnt" in fault


def test_a_reference_key_in_the_driving_key_must_be_its_parents_too() -> None:
    def plan(**parents: Any) -> SchemaPlan:
        schema = Schema().table("days", "day date!", [("d",)], pk="day", role="reference")
        schema.table("shifts", "day date!, no int!", [("d", 1)], pk=["day", "no"], **parents)
        return schema.table("t", "day date!, no int!", [("d", 1)], foreign_keys=[to(["day", "no"], "shifts"), to(["day"], "days")]).plan()

    assert plan(fk={"day": "days.day"}).faults == []
    (fault,) = plan().faults
    assert "let 'shifts' point at 'days', too" in fault


def seasons(**fields: Any) -> TableProgram:
    schema = Schema().table("players", "id int!", [(i,) for i in range(500)], pk="id")
    rows = [(i % 500, 1990 + i % 30, f"2024-01-{1 + i % 28:02d}", i % 7) for i in range(3_000)]
    keys = [to(["player"], "players", ["id"])]
    return schema.table("seasons", "player int, year int, told date, runs int", rows, foreign_keys=keys, **fields).program("seasons")


def test_rows_of_one_parent_are_ordered_by_a_time_or_by_what_is_declared() -> None:
    found = seasons().draw
    assert (found.ordered_by, found.stepwise) == ("told", True) and GAP in found.columns and set(found.conditions) == {POSITION, SIBLINGS}
    assert seasons(order_by="year").draw.ordered_by == "year"
    text = seasons(order_by="runs", high_cardinality_cols=["runs"]).draw
    assert (text.ordered_by, text.stepwise) == ("runs", False) and GAP not in text.columns


def test_rows_draw_the_gap_first_then_what_orders_them_then_the_rest_and_what_rules_replace_last() -> None:
    program = seasons()
    names = ("year", "runs", "told", GAP)
    assert turns(program, names) == (2, 3, 1, 0)
    draw = program.draw
    last = program.model_copy(update={"phases": (Phase(steps=(draw.model_copy(update={"last": ("year",)}),)),)})
    assert turns(last, names) == (3, 2, 1, 0)
    early = Phase(steps=(Draw(columns=("runs",)),))
    assert turns(last.model_copy(update={"phases": (early, *last.phases)}), names) == (3, 0, 2, 1)
    assert often_known(last, names) == ()


def test_what_siblings_tell_each_other_is_drawn_before_the_rest() -> None:
    rules = AcrossRows(rules=(Running(column="runs", terms=("more",)), Shared(column="club")))
    phases = (Phase(steps=(Draw(columns=("a", "runs", "club", "more")), rules)),)
    program = TableProgram(table="t", rows=9, columns=(), phases=phases)
    assert turns(program, ("a", "runs", "club", "more")) == (3, 2, 0, 1)


def test_what_follows_in_most_rows_is_known_there_and_drawn_last_in_the_others() -> None:
    rule = DatePart(target="hour", determinants=("at",), part="hour", loose=True)
    steps = (Derive(dependencies=(rule, rule.model_copy(update={"target": "day", "part": "day", "loose": False}))), Draw(columns=("hour", "a"), last=("hour",)))
    program = TableProgram(table="t", rows=9, columns=(), phases=(Phase(steps=(*steps, Derive(dependencies=(rule,)))),))
    assert often_known(program, ("hour", "a")) == (0,) and turns(program, ("hour", "a")) == (1, 0)


@pytest.mark.parametrize(("form", "has_gap"), [("", True), ("%Y%m%d", False)])
def test_gaps_of_dates_in_whole_numbers_are_looked_at_again(form: str, has_gap: bool) -> None:
    program = seasons(order_by="year")
    year = NumberEncoding(name="year", spark_type="int", has_null=False, weights=(1.0,), tokens=(18_000.0,), step=1.0, form=form)
    encoding = TableEncoding(table="seasons", rows=3_000, columns=(year, year.model_copy(update={"name": GAP, "form": ""})))
    program, encoding = with_form_of_order(program, encoding, "year")
    assert (program.draw.stepwise, program.draw.form) == (True, form) and GAP in program.draw.columns and (GAP in encoding.names) == has_gap
    assert program.draw.ordered_by == "year" and "year" in encoding.names


@pytest.mark.parametrize("declared", ["told", None])
def test_text_without_dates_has_no_gaps_and_orders_rows_only_where_it_was_declared(declared: str | None) -> None:
    schema = Schema().table("players", "id int!", [(i,) for i in range(500)], pk="id")
    rows = [(i % 500, f"{1 + i % 28:02d}/01/2024") for i in range(3_000)]
    schema.table("seasons", "player int, told string", rows, foreign_keys=[to(["player"], "players", ["id"])], order_by="told")
    program = schema.program("seasons")
    assert program.draw.stepwise
    told = CategoryEncoding(name="told", spark_type="string", has_null=False, weights=(1.0,), values=("x",), counts=(1,), starts=(0,))
    gap = NumberEncoding(name=GAP, spark_type="bigint", has_null=True, weights=(1.0,))
    program, encoding = with_form_of_order(program, TableEncoding(table="seasons", rows=3_000, columns=(told, gap)), declared)
    assert (program.draw.ordered_by, program.draw.stepwise, GAP in program.draw.columns, encoding.names) == (declared, False, False, ("told",))


def test_a_small_table_knows_nothing_of_siblings() -> None:
    schema = Schema().table("players", "id int!", [(1,), (2,)], pk="id")
    schema.table("seasons", "player int, year int", [(1, 1990 + i) for i in range(50)], foreign_keys=[to(["player"], "players", ["id"])])
    program = schema.program("seasons")
    assert not program.has_siblings and program.conditions == () and program.draw.ordered_by is None


def test_a_table_with_rows_keeps_one_at_any_scale() -> None:
    schema = Schema().table("shops", "id int!", [(i,) for i in range(60)], pk="id")
    schema.table("chains", "shop int!, chain int!", [(7, 1)], pk="chain", foreign_keys=[to(["shop"], "shops", ["id"])])
    schema.table("sales", "chain int", [(1,) for _ in range(20)], foreign_keys=[to(["chain"], "chains")])
    schema.table("none", "shop int", [], foreign_keys=[to(["shop"], "shops", ["id"])])
    plan = schema.plan()
    room = Room(plan.programs, {}, {})
    for scale, shops in ((0.5, 30), (0.001, 1)):
        planned = room.plan(SchemaGraph.from_metadata(schema.metadata), {}, scale)
        assert {name: rows.rows for name, rows in planned.items()} == {"shops": shops, "chains": 1, "sales": 20, "none": 0}


def orders_and_payments(share: float) -> SchemaPlan:
    """Payments point at an order and at its customer, and repeat both its customer and its day in a share of the rows."""
    customers, orders = range(500), [(i, i % 500, date(2024, 1, 1 + i % 28)) for i in range(600)]
    schema = Schema().table("customers", "id int!", [(i,) for i in customers], pk="id")
    schema.table("orders", "id int!, customer int!, day date", orders, pk="id", fk={"customer": "customers.id"})
    payments = [(i, i, customer, day) if i < share * 600 else (i, i, (customer + 1) % 500, date(2023, 1, 1)) for i, customer, day in orders]
    keys = {"order": "orders.id", "customer": "customers.id"}
    return schema.table("payments", "id int!, order int!, customer int!, paid date", payments, pk="id", fk=keys).plan()


def test_a_key_that_two_ways_lead_to_and_a_copied_value_are_taken_over() -> None:
    plan = orders_and_payments(1.0)
    program = plan.programs["payments"]
    (key,) = program.of_kind(ParentKey)
    assert key == ParentKey(columns=("order", "customer", "paid"), parent_columns=("id", "customer", "day"))
    assert program.matches == () and program.drawn == () and len(program.phases) == 1
    assert plan.programs["customers"].drawn == (count_column("orders", 0),)  # payments follow from orders


def test_what_is_repeated_in_some_rows_only_is_asked_of_each_row() -> None:
    program = orders_and_payments(0.7).programs["payments"]
    assert [(step.columns, step.status) for step in program.inherited] == [(("customer",), same_column("customer")), (("paid",), same_column("paid"))]
    match = match_of(program, 1)
    assert match.filled == ("customer",)
    assert same_column("customer") in program.phases[0].passed_on and "paid" in program.drawn


def test_a_row_whose_team_is_one_of_its_match_is_driven_by_the_match_and_asked_which() -> None:
    schema = Schema().table("teams", "team int!", [(i,) for i in range(20)], pk="team")
    schema.table("players", "player int!", [(i,) for i in range(99)], pk="player")
    keys = [to(["home"], "teams", ["team"]), to(["away"], "teams", ["team"])]
    schema.table("matches", "match int!, home int, away int", [(i, i % 20, (i + 7) % 20) for i in range(60)], pk="match", foreign_keys=keys)
    rows = [(i, i // 4, i % 99, (i // 4 + 7 * (i % 2)) % 20) for i in range(240)]
    keys = [to(["match"], "matches"), to(["player"], "players"), to(["team"], "teams")]
    program = schema.table("played", "id int!, match int, player int, team int", rows, pk="id", foreign_keys=keys).program("played")
    assert program.driving == 0  # though there are more players
    steps = [(step.columns, step.parent_columns, step.status) for step in program.inherited]
    assert steps == [(("team",), ("away",), same_column("team")), (("team",), ("home",), same_column("team", 1))]
    assert {step[2] for step in steps} <= program.phases[0].passed_on and match_of(program, 2).filled == ("team",)


def test_a_matched_key_brings_what_repeats_its_parents_row() -> None:
    schema = (
        Schema()
        .table("products", "id int!, price double", [(i, float(i)) for i in range(30)], pk="id")
        .table("orders", "id int!", [(i,) for i in range(60)], pk="id")
    )
    lines = [(i, i % 60, i % 30, float(i % 30)) for i in range(120)]
    keys = {"order": "orders.id", "product": "products.id"}
    program = schema.table("lines", "id int!, order int!, product int!, price double", lines, pk="id", fk=keys).program("lines")
    assert match_of(program, 1).brings == (("price", "price"),)
    assert "price" in program.drawn and "price" in next(step.columns for step in program.of_kind(Carry))


def test_what_a_key_that_may_be_null_brings_is_drawn_where_it_is() -> None:
    schema = (
        Schema()
        .table("airports", "id int!, code string", [(i, f"C{i}") for i in range(30)], pk="id")
        .table("orders", "id int!", [(i,) for i in range(60)], pk="id")
    )
    rows = [(i, i % 60, None if i % 10 == 0 else i % 30, f"C{i % 30}") for i in range(120)]
    keys = {"order": "orders.id", "airport": "airports.id"}
    program = schema.table("routes", "id int!, order int!, airport int, code string", rows, pk="id", fk=keys).program("routes")
    assert match_of(program, 1).brings == (("code", "code"),)
    (carry,) = program.of_kind(Carry)
    assert isinstance(carry, Carry) and carry.unless == (("code", status_column(1)),) and set(carry.columns) >= {"code", status_column(1)}


def test_the_first_row_of_a_parent_follows_the_nearest_time_that_no_row_is_before() -> None:
    schema = Schema().table("users", "id int!, born date, joined date", [(i, date(1990, 1, 1), date(2020, 1, 1 + i % 20)) for i in range(100)], pk="id")
    rows = [(i, i % 100, date(2021, 1 + i % 12, 1 + i % 28)) for i in range(2500)]
    schema.table("posts", "id int!, user int!, written date", rows, pk="id", fk={"user": "users.id"})
    survey = GeneratedSchema(schema.metadata, schema.columns, schema.rows).survey()
    since = (SinceFacts(column="written", parent_column="born", distance=9e14), SinceFacts(column="written", parent_column="joined", distance=4e13))
    seen = survey.tables["posts"]
    (key,) = seen.keys
    assert key is not None
    posts = seen.model_copy(update={"keys": (key.model_copy(update={"since": since}),)})
    survey = survey.model_copy(update={"tables": {**survey.tables, "posts": posts}})
    program = plan_schema(schema.metadata, SchemaGraph.from_metadata(schema.metadata), survey).programs["posts"]
    assert program.draw.stepwise and program.draw.since == ("joined", "date", 1)
    assert schema.program("posts").draw.since is None


@pytest.mark.parametrize("seen", [True, False])
def test_a_row_that_is_alone_with_its_parent_counts_its_time_from_it(seen: bool) -> None:
    schema = Schema().table("orders", "id int!, placed date", [(i, date(2020, 1, 1 + i % 20)) for i in range(300)], pk="id")
    rows = [(i, i, date(2021, 1 + i % 12, 1 + i % 28), i % 5) for i in range(300)]
    schema.table("reviews", "id int!, order int!, written date, stars int", rows, pk="id", fk={"order": "orders.id"})
    survey = GeneratedSchema(schema.metadata, schema.columns, schema.rows).survey()
    reviews = survey.tables["reviews"]
    (key,) = reviews.keys
    assert key is not None
    since = (SinceFacts(column="written", parent_column="placed", distance=4e13),) if seen else ()
    facts = reviews.model_copy(update={"keys": (key.model_copy(update={"since": since}),)})
    survey = survey.model_copy(update={"tables": {**survey.tables, "reviews": facts}})
    draw = plan_schema(schema.metadata, SchemaGraph.from_metadata(schema.metadata), survey).programs["reviews"].draw
    assert (draw.ordered_by, draw.stepwise, draw.since) == (("written", True, ("placed", "date", 1)) if seen else (None, False, None))


def addresses_of_orders(share: float, nulls: int = 0) -> TableProgram:
    """Orders point at two addresses, in a share of the rows both of one customer, whom they name as well."""
    schema = Schema().table("customers", "id int!", [(i,) for i in range(100)], pk="id")
    schema.table("addresses", "id int!, customer int!", [(i, i % 100) for i in range(300)], pk="id", fk={"customer": "customers.id"})
    rows = [(i, i % 300, (i * 7 % 300 if i >= share * 600 else (i + 100) % 300) if i >= nulls else None, i % 300 % 100) for i in range(600)]
    keys = {"billing": "addresses.id", "shipping": "addresses.id", "customer": "customers.id"}
    return schema.table("orders", "id int!, billing int!, shipping int, customer int!", rows, pk="id", fk=keys).program("orders")


@pytest.mark.parametrize("nulls", [0, 60])
def test_a_second_way_to_one_row_holds_for_partners_that_are_matched(nulls: int) -> None:
    program = addresses_of_orders(1.0, nulls)
    assert program.driving == 0 and program.taken_over == {"customer"}
    assert match_of(program, 1).agree == (("customer", "customer"),)
    assert "customer" in {c for step in program.phases[0].steps for c in step.columns} & program.phases[0].passed_on


def test_ways_that_lead_apart_in_some_rows_bind_no_partner() -> None:
    assert match_of(addresses_of_orders(0.9), 1).agree == ()


def test_rows_of_one_table_hang_below_rows_of_the_same_parent() -> None:
    schema = Schema().table("posts", "id int!", [(i,) for i in range(80)], pk="id")
    rows = [(i, i % 80, i - 80 if i % 3 and i >= 80 else None) for i in range(800)]
    keys = {"post": "posts.id", "above": "comments.id"}
    program = schema.table("comments", "id int!, post int!, above int", rows, pk="id", fk=keys).program("comments")
    assert match_of(program, 1).forest and match_of(program, 1).agree == (("post", "post"),)


def test_keys_of_limited_length_count_in_what_room_they_have() -> None:
    key = {"columns": ["p"], "parent_table": "a", "parent_columns": ["k"]}
    pattern = KeyPattern(form="text", prefix="AB", width=1, after=7)
    parent = TableProgram(
        table="a", rows=50, columns=(("k", "string", True),), primary_key=("k",), phases=(Phase(steps=(NumberKey(column="k", pattern=pattern),)),)
    )
    child = TableProgram(table="b", rows=9, columns=(("p", "string", True),), foreign_keys=(ForeignKey.model_validate(key),), phases=(Phase(steps=()),))

    def made(own: int | None, pointing: int | None) -> KeyPattern:
        lengths = {"a": {"k": own} if own else {"x": 1}, "b": {"p": pointing} if pointing else {}}
        (step,) = with_key_lengths(parent, [parent, child], lengths).of_kind(NumberKey)
        assert isinstance(step, NumberKey)
        return step.pattern

    assert made(None, None) == pattern and pattern.most is None
    assert made(6, None) == pattern.model_copy(update={"longest": 6}) and made(6, None).most == 9999
    assert made(6, 4).longest == 4 and made(None, 4).most == 99
    assert made(3, 4) == KeyPattern(form="text", width=1, longest=3), "letters make room for digits"
    assert largest_number(with_key_lengths(parent, [child], {"b": {"p": 4}}), NumberKey(column="k", pattern=made(6, 4)), [child]) == 99
