"""A synthetic copy from one database into another, with all keys on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from pyspark.sql import SparkSession

from synthohive_spark import Copy, Database, GenerationError, Metadata, copy

pytestmark = pytest.mark.databases

SMALL = ("film", "language", "category", "film_category")
FILMS = 300
JOINS = {  # tables, from left to right along their keys
    "film of a language": ("film.language_id=language.language_id",),
    "actors of films": ("film_actor.film_id=film.film_id", "film_actor.actor_id=actor.actor_id"),
    "categories of films": ("film_category.film_id=film.film_id", "film_category.category_id=category.category_id"),
    "actors and categories": ("film_actor.film_id=film_category.film_id",),
    "payments of rentals": ("payment.rental_id=rental.rental_id",),
    "where customers who pay live": ("payment.customer_id=customer.customer_id", "customer.address_id=address.address_id"),
    "countries of addresses": ("address.city_id=city.city_id", "city.country_id=country.country_id"),
    "rented films": ("rental.inventory_id=inventory.inventory_id", "inventory.film_id=film.film_id"),
    "managers of stores": ("inventory.store_id=store.store_id", "store.manager_staff_id=staff.staff_id"),
    "where staff rents out": ("rental.staff_id=staff.staff_id", "staff.store_id=store.store_id"),
    "language of paid films": (
        *("payment.rental_id=rental.rental_id", "rental.inventory_id=inventory.inventory_id"),
        *("inventory.film_id=film.film_id", "film.language_id=language.language_id"),
    ),
}


def sakila(shared_data: Path, tables: tuple[str, ...] | None = None) -> tuple[dict[str, pd.DataFrame], Metadata]:
    told = json.loads((shared_data / "sakila" / "metadata.json").read_text())
    names = [name for name in told["tables"] if tables is None or name in tables]
    metadata = Metadata()
    for name in names:
        keys = [{k: key[k] for k in ("columns", "parent_table", "parent_columns")} for key in told["foreign_keys"] if key["table"] == name]
        metadata.add_table(name, pk=told["tables"][name]["primary_key"], foreign_keys=[key for key in keys if key["parent_table"] in names])
    return {name: pd.read_parquet(shared_data / "sakila" / f"{name}.parquet", dtype_backend="pyarrow") for name in names}, metadata


def rows_of_joins(url: str) -> dict[str, int]:
    """How many rows each join has, of those whose tables are there."""
    engine, there = sa.create_engine(url), sa.MetaData()
    there.reflect(engine)
    found = {}
    with engine.connect() as connection:
        for name, steps in JOINS.items():
            ends = [tuple(side.split(".") for side in step.split("=")) for step in steps]
            if not {table for step in ends for table, _ in step} <= set(there.tables):
                continue
            joined: sa.FromClause = there.tables[ends[0][0][0]]
            for (left, own), (right, theirs) in ends:
                joined = joined.join(there.tables[right], there.tables[left].c[own] == there.tables[right].c[theirs])
            found[name] = connection.execute(sa.select(sa.func.count()).select_from(joined)).scalar_one()
    return found


def copied(spark: SparkSession, frames: dict, metadata: Metadata, source, target) -> Copy:
    source.database.write(frames, metadata=metadata)
    real, other = Database(source.url), target.database
    made = copy(real, other, spark=spark, model="independent", seed=1)
    assert not made.faults and other.metadata() == real.metadata()
    with pytest.raises(GenerationError, match="already"):
        copy(real, other, spark=spark, seed=1)
    with pytest.raises(GenerationError, match="holds the real tables"):
        copy(real, Database(source.url), spark=spark, seed=1, overwrite=True)
    real_joins, copied_joins = rows_of_joins(source.url), rows_of_joins(target.url)
    assert {name: abs(copied_joins[name] / rows - 1) <= 0.05 for name, rows in real_joins.items()} == dict.fromkeys(real_joins, True)
    return made


def test_a_copy_of_films_goes_from_one_kind_of_server_to_another(
    shared_data: Path, spark: SparkSession, fresh_postgresql: Callable, fresh_mariadb: Callable
) -> None:
    frames, metadata = sakila(shared_data, SMALL)
    frames |= {name: frames[name][frames[name]["film_id"] <= FILMS] for name in ("film", "film_category")}
    source, target = fresh_postgresql(), fresh_mariadb()
    copied(spark, frames, metadata, source, target)
    assert len(rows_of_joins(target.url)) == 2
    assert target.run("SELECT count(*) FROM information_schema.referential_constraints WHERE constraint_schema = database()") == [(4,)]
    assert {name: len(frame) for name, frame in target.database.tables().items()} == {name: len(frame) for name, frame in frames.items()}


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_all_of_sakila(kind: str, shared_data: Path, spark: SparkSession, request: pytest.FixtureRequest) -> None:
    fresh = request.getfixturevalue(f"fresh_{kind}")
    target = fresh()
    copied(spark, *sakila(shared_data), fresh(), target)
    assert len(rows_of_joins(target.url)) == len(JOINS) >= 10
