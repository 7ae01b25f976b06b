"""Tags on the tables of a copy, where the catalog is Unity Catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import SparkSession

from ..causes import describe
from ..errors import GenerationError
from ..spec.identifiers import metastore_sql, set_tags_sql
from ..spec.tags import tag_faults
from ..storage.found import sql_name
from ..storage.targets import Target


def check_tags(spark: SparkSession, target: Target, tags: Mapping[str, str]) -> None:
    """Refuse tags that cannot be set, before anything is written.

    Raises:
        GenerationError: with all faults: of the tags, of an output that is no schema of a catalog, of a catalog that has no tags.
    """
    if not tags:
        return
    faults = tag_faults(tags)
    if target.folder is not None:
        faults.append("a folder has none: name a schema of Unity Catalog as output, or leave them out")
    elif not _has_metastore(spark):
        faults.append("this session has no Unity Catalog: leave them out; the properties of the tables tell the same")
    if faults:
        raise GenerationError("tags: " + "; ".join(faults))


def set_tags(spark: SparkSession, target: Target, tables: Iterable[str], tags: Mapping[str, str]) -> list[str]:
    """Set tags on published tables; what could not be, in words: the tables are whole without them."""
    told = []
    for table in tables if tags else ():
        try:
            spark.sql(set_tags_sql(sql_name(target, table), tags)).collect()
        except Exception as error:  # noqa: BLE001 - a missing right, a governed tag, a catalog without tags: each says it in its own way
            told.append(
                f"{target.describe(table)} is published without its tags ({describe(error)}); they want APPLY TAG on the table, and ASSIGN where governed"
            )
    return told


def _has_metastore(spark: SparkSession) -> bool:
    try:
        spark.sql(metastore_sql()).collect()
    except Exception:  # noqa: BLE001 - Spark alone does not know the function
        return False
    return True
