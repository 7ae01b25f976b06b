"""The bound that rare values set to a judge's score."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from synthohive_spark.spec.metadata import Metadata

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def rare_values() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rare_values", BENCHMARKS / "rare_values.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_rare_texts_change_and_each_to_another_value(rare_values: ModuleType) -> None:
    frame = pd.DataFrame({"id": list("abcdef"), "kind": ["x", "x", "x", "y", "y", None], "n": range(6), "none": [None] * 6})
    copy = rare_values.without_rare_texts(frame, frozenset({"id"}))
    assert copy["kind"].tolist()[:3] == ["x"] * 3 and copy["kind"].isna().tolist() == [False] * 5 + [True]
    assert len(set(copy["kind"][3:5]) - {"x", "y"}) == 2
    pd.testing.assert_frame_equal(copy.drop(columns="kind"), frame.drop(columns="kind"))
    assert rare_values.without_rare_texts(frame, frozenset({"id"}), min_rows=2)["kind"].tolist()[:5] == list("xxxyy")


def test_keys_and_reference_tables_stay(rare_values: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"tables": {"zones": {"file": "z.parquet"}, "shops": {"file": "s.parquet"}}}')
    pd.DataFrame({"zone": ["a", "b"], "label": ["north", "south"]}).to_parquet(tmp_path / "z.parquet")
    pd.DataFrame({"shop": ["s1", "s2"], "zone": ["a", "b"], "motto": ["open", "late"]}).to_parquet(tmp_path / "s.parquet")
    metadata = Metadata().add_table("zones", pk="zone", role="reference").add_table("shops", pk="shop", fk={"zone": "zones.zone"})
    rare_values.write_bound(tmp_path, metadata, tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out" / "zones.parquet")["label"].tolist() == ["north", "south"]
    shops = pd.read_parquet(tmp_path / "out" / "shops.parquet")
    assert shops["zone"].tolist() == ["a", "b"] and shops["shop"].tolist() == ["s1", "s2"] and not set(shops["motto"]) & {"open", "late"}


def test_copies_of_made_up_texts_are_made_up(rare_values: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"tables": {"people": {"file": "p.parquet"}, "orders": {"file": "o.parquet"}}}')
    pd.DataFrame({"id": [1, 2], "street": ["elm", "oak"]}).to_parquet(tmp_path / "p.parquet")
    orders = {"order": range(8), "id": [1] * 4 + [2] * 4, "sent_to": ["elm"] * 3 + ["ash"] + ["oak"] * 4, "way": ["air"] * 8}
    pd.DataFrame(orders).to_parquet(tmp_path / "o.parquet")
    metadata = Metadata().add_table("people", pk="id").add_table("orders", pk="order", fk={"id": "people.id"})
    rare_values.write_bound(tmp_path, metadata, tmp_path / "out")
    streets = pd.read_parquet(tmp_path / "out" / "people.parquet")["street"].tolist()
    made = pd.read_parquet(tmp_path / "out" / "orders.parquet")
    assert made["sent_to"].tolist()[:3] + made["sent_to"].tolist()[4:] == [streets[0]] * 3 + [streets[1]] * 4
    assert made["way"].tolist() == ["air"] * 8 and not set(streets) & {"elm", "oak"}
