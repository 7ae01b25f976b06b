"""How often the texts of small tables repeat: two more aggregates per column in a query that reads the table anyway; no job or shuffle of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from ..spec.identifiers import quoted
from ..spec.structure import Shape, usable
from ..spec.survey import LabelFacts
from ..spec.types import type_family


def label_facts(shape: Shape) -> dict[str, Column]:
    """For columns of text, how many rows have a value, and how many values there are: exact, for few rows."""
    asked: dict[str, Column] = {}
    for place, (name, spark_type, _) in enumerate(shape):
        if usable(shape, (name,)) and type_family(spark_type) == "text":
            value = F.col(quoted(name))
            hashed = F.when(value.isNotNull(), F.xxhash64(value))  # the hash of null is a number
            asked |= {f"labelled{place}": F.count(value), f"labels{place}": F.size(F.collect_set(hashed))}
    return asked


def labels_of(shape: Shape, facts: Mapping[str, Any]) -> tuple[LabelFacts, ...]:
    return tuple(
        LabelFacts(column=name, rows=facts[f"labelled{place}"], values=facts[f"labels{place}"])
        for place, (name, _, _) in enumerate(shape)
        if facts.get(f"labelled{place}")
    )
