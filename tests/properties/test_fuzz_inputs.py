"""Descriptions, run files, options and conditions that nobody would write on purpose: each is read, or refused by an error of ours, and does nothing else."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from fuzz_samples import DDL, METADATA, OPTIONS, RUN, SDV, fitted_shop
from fuzzing import ODD_JSON, ODD_PYTHON, as_json, cut_up, damaged, run_cases

from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.run_config import RunConfig
from synthohive_spark.spec.source_options import SourceOptions
from synthohive_spark.stages.conditions import plan_conditions

DIALECTS = (None, "postgres", "mysql", "tsql", "oracle", "sqlite", "snowflake", "databricks", "duckdb", "no such", 7)
TAGS = (
    "!!python/object/apply:os.system ['true']",
    "!!python/name:os.system",
    "!!timestamp x",
    "&a [*a, *a]",
    "*a",
    "!!binary x",
    "<<: [1]",
    "? [a]\n: b",
    "2001-99-99",
    "!!set {a}",
)


def _used(metadata: Metadata, folder: Path) -> None:
    """What was read can be put in order, and written so that it reads the same."""
    SchemaGraph.from_metadata(metadata)
    metadata.to_yaml(folder / "again.yaml")
    assert Metadata.from_yaml(folder / "again.yaml") == metadata


def _text(tree: Any, rng: random.Random) -> bytes:
    """YAML or JSON of a damaged tree, or of a sound one whose text is damaged."""
    text = as_json(damaged(tree, rng)) if rng.random() < 0.5 else yaml.safe_dump(tree)
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.3:
        at = rng.choice([i for i, c in enumerate(text) if c in ": \n"] or [0])
        return f"{text[:at]} {rng.choice(TAGS)}{text[at:]}".encode("utf-8", "surrogatepass")
    return cut_up(raw, rng) if rng.random() < 0.6 else raw


def test_metadata_as_dicts(tmp_path: Path) -> None:
    def case(rng: random.Random) -> None:
        tree = damaged(METADATA, rng, ODD_PYTHON)
        _used(Metadata.from_dict(tree), tmp_path)

    run_cases(case, tmp_path, purpose="metadata")


def test_metadata_as_text(tmp_path: Path) -> None:
    def case(rng: random.Random) -> None:
        way = rng.choice(("yaml", "json"))
        path = tmp_path / f"schema.{way}"
        path.write_bytes(_text(METADATA, rng))
        _used(Metadata.from_yaml(path) if way == "yaml" else Metadata.from_json(path), tmp_path)

    run_cases(case, tmp_path, purpose="text")


def test_sdv(tmp_path: Path) -> None:
    def case(rng: random.Random) -> None:
        path = tmp_path / "sdv.json"
        if rng.random() < 0.5:
            path.write_bytes(_text(SDV, rng) if rng.random() < 0.5 else as_json(damaged(SDV, rng)).encode("utf-8", "surrogatepass"))
            source: Any = path
        else:
            source = damaged(SDV, rng, ODD_PYTHON)
        _used(Metadata.from_sdv(source), tmp_path)

    run_cases(case, tmp_path, purpose="sdv")


def test_ddl(tmp_path: Path) -> None:
    pytest.importorskip("sqlglot")
    words = DDL.split()

    def case(rng: random.Random) -> None:
        if rng.random() < 0.5:
            text = cut_up(DDL.encode(), rng).decode("utf-8", "replace")
        else:
            mixed = list(words)
            for _ in range(rng.choice((1, 2, 5))):
                at = rng.randrange(len(mixed))
                more = ([], [rng.choice(words)], [str(rng.choice(ODD_JSON))[:400]], ["(" * 300], mixed[at : at + 3] * 2)
                mixed[at : at + rng.choice((0, 1, 3))] = rng.choice(more)
            text = " ".join(mixed)
        given: Any = text if rng.random() < 0.98 else rng.choice(ODD_PYTHON)
        dialect: Any = rng.choice(DIALECTS) if rng.random() < 0.3 else None
        _used(Metadata.from_ddl(given, dialect=dialect), tmp_path)

    run_cases(case, tmp_path, purpose="ddl")


def test_run_files(tmp_path: Path) -> None:
    overrides = (
        "fit.epochs=3",
        "fit.epochs=[",
        "source=x",
        "sample.seed=1e999",
        "a.b.c=1",
        "=",
        "tables.users=1",
        "fit.encoding.bins=3",
        "validate=..",
        "fit=3",
        "source.users.path=x",
    )

    def case(rng: random.Random) -> None:
        path = tmp_path / "run.yaml"
        path.write_bytes(_text(RUN, rng))
        RunConfig.from_yaml(path, rng.sample(overrides, rng.choice((0, 0, 1, 2))))

    run_cases(case, tmp_path, purpose="run")


def test_options_of_the_data_source(tmp_path: Path) -> None:
    def case(rng: random.Random) -> None:
        tree = damaged(OPTIONS, rng)
        SourceOptions.parse({str(name): value if isinstance(value, str) else as_json(value) for name, value in tree.items()} if isinstance(tree, dict) else {})

    run_cases(case, tmp_path, purpose="options")


def test_conditions(tmp_path: Path) -> None:
    fitted = fitted_shop(tmp_path / "zones")
    sound = [
        {"table": "users", "values": {"age": 12, "flag": "b", "day": "2017-01-01", "code": "1.25"}, "rows": 3},
        {"table": "orders", "values": {"flag": None, "age": 0}, "rows": 1},
    ]
    zones = ("UTC", "Europe/Paris", "+01:00")

    def case(rng: random.Random) -> None:
        asked: Any = damaged(sound if rng.random() < 0.5 else sound[:1], rng, ODD_PYTHON)
        plan_conditions(fitted, asked, rng.choice(zones), lambda key, values: True, lambda table, values: [])

    run_cases(case, tmp_path, purpose="conditions")
