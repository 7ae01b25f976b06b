"""Keys that lead to rows together: what is asked, what is taken, what rows are told of the rows above."""

from __future__ import annotations

from generated_schemas import GeneratedSchema
from test_planning import Schema, to

from synthohive_spark.spec.encoding import CategoryEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedTable
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.joint import JointKey, with_joint_keys, without_joint_keys
from synthohive_spark.spec.metadata import ForeignKey
from synthohive_spark.spec.planning.ancestors import columns_above
from synthohive_spark.spec.planning.joint import Counted, chosen_joint_keys, joint_candidates
from synthohive_spark.spec.planning.programs import plan_schema
from synthohive_spark.spec.survey import Survey

RACES, DRIVERS = 40, 30


def pairs() -> list[tuple[int, int]]:
    return [(race, (race * 7 + place * 3) % DRIVERS) for race in range(RACES) for place in range(5)]


def laps(*, with_results: bool = False) -> Schema:
    schema = Schema().table("races", "race int!, year int", [(i, 2000 + i) for i in range(RACES)], pk="race")
    schema.table("drivers", "driver int!, code string", [(i, "a") for i in range(DRIVERS)], pk="driver")
    keys = [to(["race"], "races"), to(["driver"], "drivers")]
    if with_results:
        schema.table("results", "id int!, race int!, driver int!", [(i, *pair) for i, pair in enumerate(pairs())], pk="id", foreign_keys=keys)
    rows = [(race, driver, lap) for race, driver in pairs() for lap in range(1, 4)]
    return schema.table("laps", "race int!, driver int!, lap int!", rows, pk=["race", "driver", "lap"], foreign_keys=keys)


def surveyed(schema: Schema) -> Survey:
    return GeneratedSchema(schema.metadata, schema.columns, schema.rows).survey()


MADE = JointKey(table="laps", keys=(0, 1), columns=("race", "driver"), parent="laps (race, driver)", parent_columns=("race", "driver"), made=True)
OTHER = MADE.model_copy(update={"parent": "results", "made": False})


def test_keys_inside_a_longer_primary_key_and_pairs_of_another_table_are_asked_of() -> None:
    schema = laps(with_results=True)
    assert joint_candidates(schema.metadata, surveyed(schema)) == [OTHER, MADE]
    assert joint_candidates(laps().metadata, surveyed(laps())) == [MADE]


def test_a_table_of_its_own_is_made_for_pairs_that_come_back() -> None:
    schema = laps()
    seen = surveyed(schema)
    assert chosen_joint_keys(schema.metadata, seen, {MADE: Counted(pairs=200)}) == (MADE,)
    assert chosen_joint_keys(schema.metadata, seen, {MADE: Counted(pairs=590)}) == ()  # a row each
    assert chosen_joint_keys(schema.metadata, seen, {MADE: Counted(pairs=10)}) == ()


def test_a_table_that_has_all_pairs_goes_first_where_that_is_no_chance() -> None:
    schema = laps(with_results=True)
    seen = surveyed(schema)
    assert chosen_joint_keys(schema.metadata, seen, {OTHER: Counted(), MADE: Counted(pairs=200)}) == (OTHER,)
    for other in (Counted(orphans=1), Counted(repeats=1)):
        assert chosen_joint_keys(schema.metadata, seen, {OTHER: other, MADE: Counted(pairs=200)}) == (MADE,)
    full = seen.tables["results"].model_copy(update={"rows": RACES * DRIVERS})
    seen = seen.model_copy(update={"tables": {**seen.tables, "results": full}})
    assert chosen_joint_keys(schema.metadata, seen, {OTHER: Counted()}) == ()  # any pair is there


def test_rows_of_a_joint_key_are_driven_by_it() -> None:
    schema = laps()
    metadata = with_joint_keys(schema.metadata, [MADE])
    schema.metadata = metadata
    schema.columns[MADE.parent] = (("race", "int", False), ("driver", "int", False))
    schema.rows[MADE.parent] = [{"race": race, "driver": driver} for race, driver in pairs()]
    plan = plan_schema(metadata, SchemaGraph.from_metadata(metadata), surveyed(schema))
    assert plan.faults == [] and plan.programs["laps"].driving == 2 and not plan.programs["laps"].matches
    assert without_joint_keys(metadata, [MADE]).tables == laps().metadata.tables


def test_what_is_declared_or_named_so_is_left_alone() -> None:
    schema = laps(with_results=True)
    schema.metadata.tables["laps"] = schema.metadata.tables["laps"].model_copy(update={"parent_context_cols": ("year",)})
    assert joint_candidates(schema.metadata, surveyed(schema)) == []
    declared = ForeignKey(columns=("race", "driver"), parent_table="results", parent_columns=("race", "driver"))
    keys = (*laps().metadata.tables["laps"].foreign_keys, declared)
    schema = laps(with_results=True)
    schema.metadata.tables["laps"] = schema.metadata.tables["laps"].model_copy(update={"foreign_keys": keys})
    assert joint_candidates(schema.metadata, surveyed(schema)) == []


def test_rows_are_told_of_all_rows_above_them_the_nearest_first() -> None:
    """A parent's own parents, and those that the row's own keys name too: pairs themselves have nothing to tell."""
    schema = laps()
    schema.table("stops", "race int!, driver int!, lap int!, seconds int", [(*pair, 1, 20) for pair in pairs()], foreign_keys=[lap_key()])
    schema.metadata = with_joint_keys(schema.metadata, [MADE])
    schema.columns[MADE.parent] = (("race", "int", False), ("driver", "int", False))
    schema.rows[MADE.parent] = [{"race": race, "driver": driver} for race, driver in pairs()]
    plan = plan_schema(schema.metadata, SchemaGraph.from_metadata(schema.metadata), surveyed(schema))
    encodings = {"races": ("year",), "drivers": ("code",), MADE.parent: (), "laps": ("lap",)}
    tables = {name: FittedTable(plan.programs[name], TableEncoding(table=name, rows=9, columns=tuple(map(labels, names)))) for name, names in encodings.items()}
    above, encoded = columns_above(plan.programs["laps"], tables)
    assert [(a.path, a.column) for a in above] == [((0,), "year"), ((1,), "code")]
    assert [e.name for e in encoded] == [a.name for a in above]
    further, _ = columns_above(plan.programs["stops"], tables)
    assert [(a.path, a.column) for a in further] == [((2, 0), "year")]
    assert columns_above(plan.programs["stops"].model_copy(update={"context": ("lap",)}), tables) == ((), ())


def lap_key() -> dict[str, object]:
    return to(["race", "driver", "lap"], "laps")


def labels(name: str) -> CategoryEncoding:
    return CategoryEncoding(name=name, spark_type="string", has_null=False, weights=(0.5, 0.5), values=("a", "b"), counts=(5, 5), starts=(0, 1))
