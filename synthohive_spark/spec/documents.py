"""Trees that users write, as YAML, JSON or Python: read strictly, and bounded before anything walks them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import SchemaError

MOST_LEVELS = 100  # of nesting: no description has ten, and Python's stack ends at some hundred calls of a validator
MOST_NODES = 5_000_000  # of a tree with its aliases written out: 10,000 tables of 100 columns have fewer, and "billion laughs" more
MOST_BITS = 14_000  # of a whole number: Python writes out no more than 4,300 digits
# PyYAML's own constructors fail with many errors on scalars that look like dates or numbers, its parser on deep nesting.
_UNREADABLE = (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)


class StrictLoader(yaml.SafeLoader):
    """YAML lets a later key replace an earlier one of the same name; a table would vanish without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge"]
        if repeated := sorted(n for n, times in Counter(names).items() if times > 1):
            raise yaml.constructor.ConstructorError(None, None, f"{repeated} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For `json.loads(object_pairs_hook=...)`: the same for JSON.

    Raises:
        ValueError: a name occurs twice in one object.
    """
    names = [name for name, _ in pairs]
    if repeated := sorted(n for n, times in Counter(names).items() if times > 1):
        raise ValueError(f"{repeated} occurs twice in one object")
    return dict(pairs)


def read_yaml(path: str | Path) -> Any:
    """What a YAML file holds.

    Raises:
        SchemaError: the file is missing, is no YAML, or holds more than a description can.
    """
    text = _text(path, "YAML")
    try:
        return checked_tree(yaml.load(text, Loader=StrictLoader), str(path))  # noqa: S506 (a SafeLoader)
    except SchemaError:
        raise
    except _UNREADABLE as error:
        raise SchemaError(f"{path} is not valid YAML: {_told(error)}") from error


def read_json(path: str | Path) -> Any:
    """What a JSON file holds; the same for JSON.

    Raises:
        SchemaError: as `read_yaml`.
    """
    text = _text(path, "JSON")
    try:
        return checked_tree(json.loads(text, object_pairs_hook=without_repeats), str(path))
    except SchemaError:
        raise
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{path} is not valid JSON: {_told(error)}") from error


def read_scalar(text: str, where: str) -> Any:
    """A value that is written as YAML.

    Raises:
        SchemaError: it is none; `where` begins the message.
    """
    try:
        return checked_tree(yaml.safe_load(text), where)
    except SchemaError:
        raise
    except _UNREADABLE as error:
        raise SchemaError(f"{where}: the value is not valid YAML") from error


def checked_tree(tree: Any, where: str) -> Any:
    """The tree, if it has a size that can be walked.

    Raises:
        SchemaError: it is too deep (it may hold itself), has too many nodes, or a number or text that cannot be written out; `where` begins the message.
    """
    if fault := tree_fault(tree):
        raise SchemaError(f"{where}: {fault}")
    return tree


def tree_fault(tree: Any) -> str | None:
    """Why a tree cannot be walked or shown; None where it can."""
    level, seen = [tree], 0
    for _ in range(MOST_LEVELS):
        if fault := next((fault for node in level if (fault := _scalar_fault(node))), None):
            return fault
        below: list[Any] = []
        for node in level:
            below += [*node.keys(), *node.values()] if isinstance(node, Mapping) else node if isinstance(node, list | tuple | set | frozenset) else ()
            if seen + len(below) > MOST_NODES:
                return f"it holds more than {MOST_NODES:,} values, as aliases are written out"
        if not below:
            return None
        level, seen = below, seen + len(below)
    return f"it is nested more than {MOST_LEVELS} levels deep"


def _scalar_fault(node: Any) -> str | None:
    if isinstance(node, int) and node.bit_length() > MOST_BITS:
        return f"a whole number has more than {MOST_BITS:,} bits"
    if isinstance(node, str) and any("\ud800" <= c <= "\udfff" for c in node):
        return "a text holds half a character (a lone surrogate), which UTF-8 cannot store"
    return None


def _text(path: str | Path, form: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SchemaError(f"cannot read {path}: {error.strerror}") from error
    except (TypeError, ValueError) as error:  # it is no path, or no UTF-8
        raise SchemaError(f"{path!r:.200} is not valid {form}: {_told(error)}") from error


def _told(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
