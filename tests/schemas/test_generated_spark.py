"""Generated schemas from validation to a sample in Spark: what is accepted keeps the promise.

`SCHEMAS=0:50` (or `make schemas`) takes another slice of seeds.
"""

from __future__ import annotations

import os
import re
import warnings

import pytest
from generated_schemas import GeneratedSchema, generated_schema
from promise import Promise
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark import Synthesizer
from synthohive_spark.errors import SchemaValidationError
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.planning.programs import plan_schema
from synthohive_spark.spec.survey import Survey
from synthohive_spark.stages.survey import survey_schema

pytestmark = pytest.mark.schemas
FIRST, LAST = (int(end) for end in os.environ.get("SCHEMAS", "2:6").split(":"))
# A parametric linkage along a cycle, a self reference whose other columns stay.
HARD = () if "SCHEMAS" in os.environ else (101, 103)
SIZES = (60, 100, 30)
SCALES = (1.0, 3.0, 1.0, 0.5, 1.0, None)  # None: rows of the roots by number
ASKED = 37
WAYS_OUT = re.compile(r"\b(leave|let|give|use|point|mend|remove|set)\b")


def frames(spark: SparkSession, schema: GeneratedSchema) -> dict[str, DataFrame]:
    return {name: spark.createDataFrame(schema.records(name), schema.ddl(name)) for name in schema.columns}


def made(seed: int) -> GeneratedSchema:
    return generated_schema(seed, SIZES[seed % len(SIZES)])


@pytest.mark.parametrize("seed", [*range(FIRST, LAST), *HARD])
def test_what_is_accepted_keeps_the_promise(spark: SparkSession, seed: int) -> None:
    schema = made(seed)
    data = frames(spark, schema)
    synthesizer = Synthesizer(schema.metadata, spark=spark, model="autoregressive" if seed % 3 == 0 else "independent")
    try:
        synthesizer.validate_schema(data)
    except SchemaValidationError as error:
        assert all(WAYS_OUT.search(fault.rpartition(";")[2]) for fault in error.faults)
        return
    synthesizer.fit(data, seed=seed, epochs=2)
    programs = plan_schema(schema.metadata, SchemaGraph.from_metadata(schema.metadata), schema.survey()).programs
    driving = {name: program.driving for name, program in programs.items()}
    scale = SCALES[seed % len(SCALES)]
    roots = {name: ASKED for name, key in driving.items() if key is None and schema.rows[name]} if scale is None else {}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        copy = synthesizer.sample(num_rows=roots, scale=scale or 1.0, seed=seed + 1)
    text = " ".join(str(warning.message) for warning in told)
    assert Promise(schema, copy, driving, roots, scale or 1.0, text).faults() == []


@pytest.mark.parametrize("seed", range(FIRST, min(LAST, FIRST + 4)))
def test_a_survey_sees_what_is_there(spark: SparkSession, seed: int) -> None:
    schema = made(seed)
    seen = survey_schema(schema.metadata, frames(spark, schema), min_rows=EncodingConfig().min_category_rows)
    assert _told(seen) == _told(schema.survey())


def _told(survey: Survey) -> dict[str, object]:
    """The facts without what the generator does not count (forms of keys, values of entities, traits, likeness, sets of keys), or Spark only estimates."""
    found = {}
    for name, facts in survey.tables.items():
        told = facts.model_dump(exclude={"entities": True, "uniques": True, "one_of": True, "keys": {"__all__": {"traits", "siblings"}}})
        orders = [(o.column, o.rows, o.years) for o in facts.orders]
        found[name] = told | {"uniques": [(u.columns, u.nulls, u.repeats) for u in facts.uniques], "entities": facts.entities is not None, "orders": orders}
    return found
