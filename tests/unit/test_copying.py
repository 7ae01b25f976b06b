"""What a copy in a database keeps of its original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame

from synthohive_spark import Metadata, copying
from synthohive_spark.copying import write_copy
from synthohive_spark.storage.sources import TableStore


class Store(TableStore):
    """Two tables that point at each other; what is written is kept."""

    names = ("orders", "lines")
    address = place = "there"
    unique: Mapping[str, Sequence[tuple[str, ...]]] = {"orders": (("code",),), "lines": (("no",),)}

    def __init__(self) -> None:
        self.written: tuple[Mapping[str, Any], Metadata] | None = None

    def sources(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        return {}

    def metadata(self) -> Metadata:
        return Metadata().add_table("orders", pk="id").add_table("lines", pk="no", fk={"order_id": "orders.id"})

    def check_free(self, names: Sequence[str], *, overwrite: bool = False) -> None:
        return

    def write(self, tables: Mapping[str, Any], **told: Any) -> Mapping[str, int]:
        self.written = tables, told["metadata"]
        return {}


class Frame:
    def __init__(self, *columns: str) -> None:
        self.columns = columns


def test_a_copy_keeps_the_keys_and_names_of_its_original_whatever_the_capitals_of_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "count_keys", lambda asked, tables: [{} for _ in asked])
    monkeypatch.setattr(copying, "total", lambda tally, word: 0)
    described = Metadata().add_table("Orders", pk="ID").add_table("Lines", pk="No", fk={"Order_Id": "Orders.ID"})
    store = Store()
    frames = cast("dict[str, DataFrame]", {"Orders": Frame("id", "code"), "Lines": Frame("no", "order_id")})
    assert write_copy(frames, described, store, store, overwrite=False) == []
    assert store.written is not None
    tables, kept = store.written
    assert set(tables) == {"orders", "lines"} and kept.tables["lines"].foreign_keys == store.metadata().tables["lines"].foreign_keys
    assert kept.tables["orders"].primary_key == ("id",)


def test_a_copy_of_some_tables_has_those_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "count_keys", lambda asked, tables: [{} for _ in asked])
    store, described = Store(), Metadata().add_table("orders", pk="id")
    assert copying._asked(store, described) == ["orders"] and copying._asked(store, None) is None
    write_copy(cast("dict[str, DataFrame]", {"orders": Frame("id")}), described, store, store, overwrite=False)
    assert store.written is not None and list(store.written[1].tables) == ["orders"]
