"""The YAML of a whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.config import FitConfig
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.run_config import FileSource, RunConfig
from synthohive_spark.stages.check import check_switches

CONF = Path(__file__).resolve().parents[2] / "conf"
SMALL = """
tables: {a: {pk: id}, b: {fk: {a_id: a.id}}}
source:
  a: lake.a
  b: {path: b.csv, format: csv, schema: "a_id int", options: {header: true}}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_loads_and_names_a_source_per_table(path: Path) -> None:
    run = RunConfig.from_yaml(path)
    assert isinstance(run.source, str) or set(run.source) == set(run.metadata.tables)  # one place holds all tables, or each has its own
    assert run.metadata == Metadata.from_yaml(path)


def test_flights_keys_are_dirty_only_where_stated() -> None:
    tables = RunConfig.from_yaml(CONF / "flights.yaml").metadata.tables
    policies = {key.columns: key.orphans for key in tables["flights"].foreign_keys}
    assert policies == {("carrier",): "error", ("origin",): "error", ("dest",): "null", ("tailnum",): "null", ("origin", "time_hour"): "null"}
    assert tables["flights"].primary_key == () and tables["weather"].primary_key == ("origin", "time_hour")
    assert {name for name, table in tables.items() if table.role == "reference"} == {"airlines", "airports"}


def test_sections_have_defaults_and_follow_each_other(tmp_path: Path) -> None:
    run = RunConfig.from_yaml(written(tmp_path, SMALL + "fit: {output: m}\nsample: {output: s/t}\nvalidate:\n"))
    assert (run.model_path, run.synthetic_path, run.validate_.output) == ("m", "s/t", "report.html")
    source = run.source["b"]
    assert isinstance(source, FileSource) and source.schema_ddl == "a_id int" and source.options == {"header": True}


def test_dependencies_can_be_switched_off_for_all_tables_or_one(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("tables: {a: {}}\nsource: {a: a.parquet}\nfit: {exact_dependencies: {a: false}}\n", encoding="utf-8")
    assert RunConfig.from_yaml(config).fit.exact_dependencies == {"a": False}
    assert RunConfig.from_yaml(config, ["fit.exact_dependencies=false"]).fit.exact_dependencies is False
    assert FitConfig().finds_dependencies("a") and not FitConfig(exact_dependencies={"a": False}).finds_dependencies("a")
    assert FitConfig(exact_dependencies={"a": False}).finds_dependencies("b")


def test_overrides_are_yaml_and_win_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL + "fit: {epochs: 5}\n")
    run = RunConfig.from_yaml(path, ["fit.epochs=20", "fit.training.holdout=0.2", "sample.num_rows={a: 3}", "fit.model=autoregressive"])
    assert (run.fit.epochs, run.fit.training.holdout, run.sample.num_rows, run.fit.model) == (20, 0.2, {"a": 3}, "autoregressive")


def test_all_faults_are_named_in_one_message(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as caught:
        RunConfig.from_yaml(written(tmp_path, SMALL), ["fit.epoch=3", "sample.scale=0", "source.b.pth=x", "smple.a=1"])
    for place in ("fit.epoch: ", "sample.scale: ", "source.b.pth: ", "smple: "):
        assert place in str(caught.value)


def test_an_unknown_section_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="smple"):
        RunConfig.from_yaml(written(tmp_path, SMALL + "smple: {}\n"))


def test_tables_and_sources_must_match(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"'c' is no table.*table 'a' is missing.*table 'b' is missing"):
        RunConfig.from_yaml(written(tmp_path, "tables: {a: {pk: id}, b: {pk: id}}\nsource: {c: lake.c}\n"))


@pytest.mark.parametrize("override", ["epochs=3", "fit.epochs", "=3", "fit.=3", "fit.model.x.y=1", "fit.epochs=[1"])
def test_malformed_overrides_are_named(tmp_path: Path, override: str) -> None:
    with pytest.raises(SchemaError, match="override"):
        RunConfig.from_yaml(written(tmp_path, SMALL + "fit: {model: ctgan}\n"), [override])


def test_switches_for_tables_that_are_not_there_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"no tables named \['b'\] in the metadata, which has \['a'\]"):
        check_switches(Metadata().add_table("a"), FitConfig(exact_dependencies={"a": True, "b": False}))
    check_switches(Metadata().add_table("a"), FitConfig(exact_dependencies={"a": False}))
