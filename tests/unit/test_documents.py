"""Trees that users write are bounded before anything walks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.documents import MOST_LEVELS, read_json, read_yaml, tree_fault
from synthohive_spark.spec.metadata import Metadata

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))


def _deep(levels: int) -> Any:
    tree: Any = []
    for _ in range(levels):
        tree = [tree]
    return tree


def test_what_a_description_can_hold() -> None:
    assert tree_fault({"tables": {"a": {"pk": ["x", 1, None, 2.5]}}}) is None
    assert tree_fault(_deep(MOST_LEVELS - 2)) is None


@pytest.mark.parametrize(
    ("tree", "told"),
    [(_deep(MOST_LEVELS), "nested"), (_deep(100_000), "nested"), ([10**5000], "bits"), ({10**5000: 1}, "bits"), ({"a": ["\ud800"]}, "half a character")],
)
def test_what_it_cannot(tree: Any, told: str) -> None:
    assert told in str(tree_fault(tree))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "aliases are written out"),
        ("a: &a [*a]", "nested"),
        ("[" * 5000, "nested too deeply"),
        ("a: 1\na: 2", "occurs twice"),
        ("a: !!timestamp x", "YAML"),
    ],
)
def test_yaml_that_is_made_to_hurt(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(SchemaError, match=told):
        read_yaml(tmp_path / "a.yaml")
    with pytest.raises(SchemaError):
        Metadata.from_yaml(tmp_path / "a.yaml")


@pytest.mark.parametrize("text", ["[" * 5000, '{"a": 1, "a": 2}', '{"a": ' + "9" * 5000 + "}"])
def test_json_that_is_made_to_hurt(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(SchemaError):
        read_json(tmp_path / "a.json")


def test_files_may_begin_with_a_mark_of_their_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("\ufeff{}", encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {}
