"""Structs, and reference tables with columns of any type: what comes in comes out."""

from __future__ import annotations

import pytest
from pyspark.sql import types as T

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.errors import SchemaValidationError
from synthohive_spark.stages.intake import flattened, laid_out

ANY = (
    "id long not null, tags array<string> not null, `odd col` array<struct<`first name`:string>>, m map<string,int>, blob binary, "
    "s struct<a:int,`b c`:struct<d:array<int>>>, n struct<k:string not null, x:int>"
)


def any_types(spark, rows=30):
    values = [(i, ["a", None], [(f"n{i}",)], {"k": i}, b"x%d" % i, (i, ([1, i],)) if i % 2 else None, ("k", None) if i % 3 else None) for i in range(rows)]
    return spark.createDataFrame(values, T._parse_datatype_string(ANY))


@pytest.mark.exhaustive
def test_reference_tables_are_copied_whatever_their_types(spark):
    frame, children = any_types(spark), spark.createDataFrame([(i, i % 30) for i in range(100)], "cid long, ref long")
    metadata = Metadata(duplicates="drop", unsupported="drop").add_table("r", pk="id", role="reference").add_table("c", pk="cid", fk={"ref": "r.id"})
    synthesizer = Synthesizer(metadata, spark=spark, model="independent").fit({"r": frame.union(frame), "c": children}, seed=1)
    copy = synthesizer.sample(seed=2)["r"]
    assert copy.schema == frame.schema and sorted(map(str, copy.collect())) == sorted(map(str, frame.collect()))
    metadata = Metadata().add_table("r", pk="m", role="reference")
    with pytest.raises(SchemaValidationError, match="'m' of a key has the unsupported type map"):
        Synthesizer(metadata, spark=spark).validate_schema({"r": frame})


def test_types_of_nested_fields_with_odd_names_come_back(spark):
    frame = any_types(spark)
    flat, layout = flattened(frame, "null")
    assert flat.columns == ["id", "s", "s.a", "s.b c", "n", "n.k", "n.x"]
    back = laid_out(flat, layout)
    assert [(f.name, f.dataType) for f in back.schema] == [(f.name, f.dataType) for f in frame.schema]
    assert flattened(frame, "error")[0].schema["odd col"].dataType == frame.schema["odd col"].dataType


def test_structs_keep_what_must_not_be_null_their_keys_and_what_is_asked_for(spark):
    parents = spark.createDataFrame([(i,) for i in range(40)], "id long not null")
    place = "struct<street: string not null, geo: struct<x: int not null, y: double>>"
    ddl = f"cid long not null, ref struct<id: long not null, note: string not null>, place {place}"
    places = [None if i % 4 == 0 else (f"s{i % 5}", None if i % 3 == 0 else (i % 7, 0.5 * (i % 3))) for i in range(400)]
    rows = [(i, None if i % 5 == 0 else (i % 40, f"n{i % 3}"), place) for i, place in enumerate(places)]
    children = spark.createDataFrame(rows, T._parse_datatype_string(ddl))
    metadata = Metadata().add_table("p", pk="id").add_table("c", pk="cid", fk={"ref.id": "p.id"})
    synthesizer = Synthesizer(metadata, spark=spark, model="independent").fit({"p": parents, "c": children}, seed=1)
    asked = [{"table": "c", "values": {"place.geo.x": 3}, "rows": 150}]
    tables = synthesizer.sample(seed=2)
    copy = tables["c"]
    assert copy.schema == children.schema
    shares = [f"avg(int({name} is null)) as {name.replace('place.', '')}" for name in ("ref", "place", "place.geo")]
    found = copy.selectExpr(*shares, "count(distinct ref.id) ids").first()
    assert 0.12 < found["ref"] < 0.28 and 0.17 < found["place"] < 0.33 and 0.4 < found["geo"] < 0.7 and found["ids"] > 20
    there = copy.where("ref is not null")
    assert there.join(tables["p"], there["ref.id"] == tables["p"]["id"]).count() == there.count()
    assert synthesizer.sample(seed=2, conditions=asked)["c"].where("place.geo.x = 3").count() >= 150
