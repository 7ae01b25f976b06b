"""Calls with `resume=True` go on where an earlier process ended, and give what one process would have given."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import GenerationError, Metadata, Synthesizer, TrainingError
from synthohive_spark.stages import fit as fit_stage
from synthohive_spark.stages import train as train_stage
from synthohive_spark.storage import runs
from synthohive_spark.storage.artifacts import fingerprint

MODEL = "autoregressive"
TABLES = ("shops", "owners", "sales")
OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def shop_metadata() -> Metadata:
    metadata = Metadata()
    metadata.add_table("shops", pk="shop_id").add_table("owners", pk="owner_id")
    return metadata.add_table("sales", pk="sale_id", fk={"shop_id": "shops.shop_id", "owner_id": "owners.owner_id"})


def shop_tables(spark: SparkSession) -> dict[str, DataFrame]:
    shops = spark.range(60).select(F.col("id").alias("shop_id"), F.pmod("id", F.lit(5)).alias("kind"))
    owners = spark.range(40).select(F.col("id").alias("owner_id"), F.pmod("id", F.lit(3)).alias("rank"))
    sales = spark.range(600).select(
        F.col("id").alias("sale_id"),
        F.pmod(F.xxhash64("id"), F.lit(60)).alias("shop_id"),
        F.pmod(F.xxhash64("id", F.lit(1)), F.lit(40)).alias("owner_id"),
        (F.pmod(F.xxhash64("id", F.lit(2)), F.lit(900)) / 10).alias("amount"),
    )
    return {"shops": shops, "owners": owners, "sales": sales}


def synthesizer(spark: SparkSession, work: Path) -> Synthesizer:
    return Synthesizer(shop_metadata(), spark=spark, model=MODEL, work_dir=str(work))


def left(work: Path) -> list[str]:
    return sorted(p.name for p in work.glob("*_*") if p.name.startswith(("fit_", "sample_"))) if work.exists() else []


def rows_of(tables: dict[str, DataFrame]) -> dict[str, list[tuple]]:
    return {name: sorted(map(tuple, frame.collect())) for name, frame in tables.items()}


def test_a_fit_goes_on_with_trained_tables(spark, tmp_path, monkeypatch):
    whole = synthesizer(spark, tmp_path / "other").fit(shop_tables(spark), seed=1, epochs=2)
    profile, backend = fit_stage.profile_tables, train_stage.BACKENDS["local"]
    profiled, trained = [], []

    def only_one(spark, jobs, config):
        trained.append([job.table for job in jobs])
        return backend(spark, jobs[:1], config)

    monkeypatch.setattr(fit_stage, "profile_tables", lambda asked, config: (profiled.extend(a.table for a in asked), profile(asked, config))[1])
    monkeypatch.setitem(train_stage.BACKENDS, "local", only_one)
    for _ in TABLES[1:]:
        with pytest.raises(TrainingError, match="no result came back"):
            synthesizer(spark, tmp_path / "work").fit(shop_tables(spark), seed=1, epochs=2, resume=True)
        assert len(left(tmp_path / "work")) == 1
    resumed = synthesizer(spark, tmp_path / "work").fit(shop_tables(spark), seed=1, epochs=2, resume=True)
    assert [len(tables) for tables in trained] == [3, 2, 1]
    assert sorted(set(profiled)) == sorted(profiled) == sorted(TABLES)  # each once, in the first process
    assert fingerprint(resumed._fitted) == fingerprint(whole._fitted)
    assert left(tmp_path / "work") == []


def test_a_damaged_state_is_trained_again(spark, tmp_path, monkeypatch):
    backend = train_stage.BACKENDS["local"]
    trained = []

    def last_one_missing(spark, jobs, config):
        trained.append(len(jobs))
        return backend(spark, jobs, config)[: None if len(trained) > 1 else -1]

    monkeypatch.setitem(train_stage.BACKENDS, "local", last_one_missing)
    with pytest.raises(TrainingError):
        synthesizer(spark, tmp_path).fit(shop_tables(spark), seed=1, epochs=1, resume=True)
    (state,) = tmp_path.glob("fit_*/states/shops/state.safetensors")
    state.write_bytes(state.read_bytes()[:-10])
    synthesizer(spark, tmp_path).fit(shop_tables(spark), seed=1, epochs=1, resume=True)
    assert trained == [3, 1]  # all three had left their results; only the damaged one is not taken


@pytest.mark.exhaustive
def test_another_seed_or_setting_is_another_fit(spark, tmp_path, monkeypatch):
    monkeypatch.setitem(train_stage.BACKENDS, "local", lambda *_: [])
    for seed, epochs in ((1, 1), (1, 1), (2, 1), (1, 2)):
        with pytest.raises(TrainingError):
            synthesizer(spark, tmp_path).fit(shop_tables(spark), seed=seed, epochs=epochs, resume=True)
    assert len(left(tmp_path)) == 3


@pytest.fixture(scope="module")
def model(spark, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("model")
    return synthesizer(spark, folder / "work").fit(shop_tables(spark), seed=1, epochs=1).save(str(folder / "model"))


def test_a_sample_goes_on_with_staged_tables(spark, model, tmp_path, monkeypatch):
    whole = rows_of(Synthesizer.load(model, spark=spark).sample(seed=5, output=str(tmp_path / "whole")))
    write, written = runs.write_parquet, []

    def failing(rows, path, partitions=()):
        if len(written) == 1:
            written.append("failed")
            raise OSError("no space left on device")
        written.append(path)
        write(rows, path, partitions)

    monkeypatch.setattr(runs, "write_parquet", failing)
    work, output = tmp_path / "work", tmp_path / "out"
    with pytest.raises(GenerationError, match="failed: OSError"):
        Synthesizer.load(model, spark=spark, work_dir=str(work)).sample(seed=5, output=str(output), resume=True)
    staged = {p: p.stat().st_mtime_ns for p in work.glob("sample_*/staged/*/*/*.parquet")}
    assert staged and len(left(work)) == 1
    tables = Synthesizer.load(model, spark=spark, work_dir=str(work)).sample(seed=5, output=str(output), resume=True)
    assert len(written) == 4  # one table, the failure, the other two
    assert rows_of(tables) == whole
    assert left(work) == []
    again = Synthesizer.load(model, spark=spark, work_dir=str(work)).sample(seed=5, output=str(output), resume=True)
    assert rows_of(again) == whole  # a finished call is not gone on with: a new version, with the same rows


def test_a_damaged_staged_table_is_written_again(spark, model, tmp_path, monkeypatch):
    write, written = runs.write_parquet, []

    def failing(rows, path, partitions=()):
        written.append(path)
        if len(written) == 2:
            raise OSError("no space left on device")
        write(rows, path, partitions)

    monkeypatch.setattr(runs, "write_parquet", failing)
    work, output = str(tmp_path / "work"), str(tmp_path / "out")
    with pytest.raises(GenerationError):
        Synthesizer.load(model, spark=spark, work_dir=work).sample(seed=5, output=output, resume=True)
    for file in Path(written[0]).glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-20])
    tables = Synthesizer.load(model, spark=spark, work_dir=work).sample(seed=5, output=output, resume=True)
    assert written.count(written[0]) == 2
    assert all(frame.count() for frame in tables.values())


def test_a_run_without_it_clears_what_is_left(spark, model, tmp_path, monkeypatch):
    work, output = str(tmp_path / "work"), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(runs.RunWriter, "publish", lambda *_: (_ for _ in ()).throw(GenerationError("stopped")))
        with pytest.raises(GenerationError, match="stopped"):
            Synthesizer.load(model, spark=spark, work_dir=work).sample(seed=5, output=str(output), resume=True)
    assert list(output.glob("*/run-*"))
    Synthesizer.load(model, spark=spark).sample(seed=6, output=str(output))
    assert len(list(output.glob("*/run-*"))) == len(TABLES)


def test_what_resuming_needs_is_told_at_once(spark, model):
    with pytest.raises(GenerationError, match="seed and output and Synthesizer"):
        Synthesizer.load(model, spark=spark).sample(resume=True)
    with pytest.raises(TrainingError, match="seed and Synthesizer"):
        Synthesizer(shop_metadata(), spark=spark).fit(shop_tables(spark), resume=True)


KILLED = """
import os, signal, sys
from synthohive_spark import Synthesizer, spark_session
from synthohive_spark.storage import runs
model, work, output, at = sys.argv[1:]
stage, forward = runs.RunWriter.stage, runs.forward

def stage_and_die(writer, table, rows, form=None):
    done = stage(writer, table, rows, form)
    if at == "staging":
        os.kill(os.getpid(), signal.SIGKILL)
    return done

def publish_and_die(ground, journal):
    if at == "publishing":
        forward(ground, journal.model_copy(update={"tables": journal.tables[:1]}))
        ground.books.put(journal)
    else:
        forward(ground, journal)
    os.kill(os.getpid(), signal.SIGKILL)

runs.RunWriter.stage = stage_and_die
runs.forward = publish_and_die
spark = spark_session("killed", config={"spark.master": "local[1]"})
Synthesizer.load(model, spark=spark, work_dir=work).sample(seed=5, output=output, resume=True)
"""


@pytest.mark.parametrize("at", ["staging", pytest.param("publishing", marks=pytest.mark.exhaustive), pytest.param("published", marks=pytest.mark.exhaustive)])
def test_a_killed_driver_is_gone_on_with(spark, model, tmp_path, monkeypatch, at):
    whole = rows_of(Synthesizer.load(model, spark=spark).sample(seed=5, output=str(tmp_path / "whole")))
    work, output = str(tmp_path / "work"), str(tmp_path / "out")
    killed = subprocess.run([sys.executable, "-c", KILLED, model, work, output, at], env={**os.environ}, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    write, written = runs.write_parquet, []
    monkeypatch.setattr(runs, "write_parquet", lambda rows, path, partitions=(): (written.append(path), write(rows, path, partitions)))
    tables = Synthesizer.load(model, spark=spark, work_dir=work).sample(seed=5, output=output, resume=True)
    assert rows_of(tables) == whole
    assert len(written) == (len(TABLES) - 1 if at == "staging" else 0)
    assert left(Path(work)) == []


def test_the_example_of_the_docs_runs(spark, tmp_path, monkeypatch):
    (example,) = re.findall(r"```python\n(.*?)```", OPERATIONS.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    customers = spark.range(40).select(F.col("id").alias("customer_id"), F.pmod("id", F.lit(3)).alias("kind"))
    orders = spark.range(100).select(F.col("id").alias("order_id"), F.pmod(F.xxhash64("id"), F.lit(40)).alias("customer_id"))
    for name, frame in {"customers": customers, "orders": orders}.items():
        frame.write.format("delta").save(str(tmp_path / "lake" / name))
    scope = {"spark": spark}
    exec(compile(example, "operations.md", "exec"), scope)
    assert scope["tables"]["orders"].join(scope["tables"]["customers"], "customer_id").count() == scope["tables"]["orders"].count() > 50
    assert left(tmp_path / "lake" / "work") == []


@pytest.mark.exhaustive
def test_a_run_that_another_one_has_finished_and_replaced_begins_anew(spark, model, tmp_path):
    work, output = str(tmp_path / "work"), str(tmp_path / "out")
    killed = subprocess.run([sys.executable, "-c", KILLED, model, work, output, "publishing"], env={**os.environ}, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    Synthesizer.load(model, spark=spark).sample(seed=6, output=output)  # publishes what was left, then its own
    tables = Synthesizer.load(model, spark=spark, work_dir=work).sample(seed=5, output=output, resume=True)
    assert rows_of(tables) == rows_of(Synthesizer.load(model, spark=spark).sample(seed=5, output=str(tmp_path / "whole")))


def test_files_that_are_gone_are_staged_again(spark, model, tmp_path, monkeypatch):
    work, output = tmp_path / "work", str(tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_parquet", lambda *_: (_ for _ in ()).throw(OSError("no space left on device")))
        with pytest.raises(GenerationError):
            Synthesizer.load(model, spark=spark, work_dir=str(work)).sample(seed=5, output=output, resume=True)
    staged = sorted(work.glob("sample_*/staged/*/*/*.parquet"))
    assert staged
    staged[0].unlink()
    tables = Synthesizer.load(model, spark=spark, work_dir=str(work)).sample(seed=5, output=output, resume=True)
    assert rows_of(tables) == rows_of(Synthesizer.load(model, spark=spark).sample(seed=5, output=str(tmp_path / "whole")))
