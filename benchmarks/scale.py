"""Sampling at size: rows per CPU second, memory, where the CPU goes, and what the platform itself takes for as many rows.

    python benchmarks/scale.py ../shared/data/nycflights13_100k --work /tmp/scale --rows 1000000 10000000
    python benchmarks/scale.py ../shared/data/nycflights13_100k --work /tmp/scale --rows 1000000 --no-child --ceilings

The schema is the flights' (a table of 20 columns with keys to planes, weather and references) with a child of it that is made here (bookings, about one a
flight); it is learnt once, and the model kept below `--work`. `--no-child` leaves the child out. Rows are those of flights: the other tables grow with them.
All figures count the driver with all its processes, the start of workers included; memory counts shared pages once. The driver's heap is 1 GiB, and
in a local session its JVM carries out the tasks too. The ceilings are the same number of flights, premade: batches that Python workers hand to Spark,
and Spark's own expressions, both written as Delta.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from process_tree import TreeWatch
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import synthohive_spark.stages.sample as sample_stage
from synthohive_spark import FitConfig, Metadata, Synthesizer, TrainingConfig, spark_session
from synthohive_spark.stages.families import Kin
from synthohive_spark.storage.runs import RunWriter

LEARNT = 100_000  # flights in the folder
BATCH = 10_000
TABLES = ("airlines", "airports", "planes", "weather", "flights")


class Clock:
    """CPU seconds by step of a run."""

    def __init__(self, watch: TreeWatch) -> None:
        self.steps: dict[str, dict[str, float]] = {}
        self._watch, self._before, self._wall = watch, watch.by_kind(), time.monotonic()
        self._within = ["the rest"]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """What the block takes counts as this step, and no longer as the one around it."""
        self._stop()
        self._within.append(name)
        try:
            yield
        finally:
            self._stop()
            self._within.pop()

    def _stop(self) -> None:
        now, wall = self._watch.by_kind(), time.monotonic()
        spent = self.steps.setdefault(self._within[-1], {"wall": 0.0})
        spent["wall"] += wall - self._wall
        for kind, seconds in now.items():
            spent[kind] = spent.get(kind, 0.0) + seconds - self._before[kind]
        self._before, self._wall = now, wall

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Tell the parts of the package that run Spark jobs apart while the block runs."""
        before = [(owner, name, getattr(owner, name)) for owner, name, _ in PARTS]
        for (owner, name, label), (_, _, function) in zip(PARTS, before, strict=True):
            setattr(owner, name, self._timed(function, label))
        try:
            with self.step("the rest"):
                yield
        finally:
            for owner, name, function in before:
                setattr(owner, name, function)

    def _timed(self, function: Callable[..., Any], label: Callable[..., str]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.step(label(*args)):
                return function(*args, **kwargs)

        return timed


PARTS: tuple[tuple[Any, str, Callable[..., str]], ...] = (
    (sample_stage.SampleRun, "_stage", lambda run, data, table, word: f"{table}: {word}"),
    (RunWriter, "stage", lambda writer, table, *_: f"{table}: write"),
    (Kin, "above", lambda kin, fitted: f"{fitted.program.table}: numbers of children"),
    (Kin, "pairing", lambda kin, program, match, *_: f"{program.table}: places of key {match.key}"),
    (RunWriter, "prepare", lambda *_: "prepare"),
    (RunWriter, "publish", lambda *_: "publish"),
    (sample_stage, "verify", lambda *_: "verify"),
)


def main() -> None:
    options = _arguments()
    spark = spark_session("scale", config={"spark.driver.memory": options.driver_memory})
    model = options.work / f"model_{options.model}{'' if options.child else '_alone'}"
    if not model.exists():
        _told("fit", LEARNT, lambda _: _fit(spark, options, model))
    out = str(options.work / "out")
    for rows in sorted(options.rows):
        synthesizer = Synthesizer.load(str(model), spark=spark)
        _told("sample", rows, partial(_sampled, synthesizer, rows, options, out))
        if options.ceilings:
            flights = spark.read.format("delta").load(f"{out}/flights").limit(BATCH).toPandas()
            _told("premade batches through mapInPandas to Delta", rows, lambda _, n=rows, f=flights: _premade(spark, n, f, options.work))
            _told("Spark expressions to Delta", rows, lambda _, n=rows, f=flights: _expressions(spark, n, f, options.work))
    spark.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the flights: one Parquet file per table")
    parser.add_argument("--work", type=Path, default=Path("/tmp/scale"), help="folder for the model and what is written")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="flights; 100,000,000 take hours on two cores")
    parser.add_argument("--model", default="autoregressive")
    parser.add_argument("--child", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--ceilings", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--epochs", type=int, help="of the training; few of them change what rows are like, and hardly what they cost")
    parser.add_argument("--driver-memory", default="1g")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def _told(what: str, rows: int, work: Callable[[Clock], Any]) -> None:
    """Carry out and print what it took."""
    watch, start = TreeWatch(interval=2.0), time.monotonic()
    with watch:
        clock = Clock(watch)
        tables = work(clock)
        cpu, wall = watch.cpu_seconds(), time.monotonic() - start
    made = sum(frame.count() for frame in tables.values()) if isinstance(tables, dict) else rows
    out = sys.stdout.write
    out(f"{what}, {rows:,} flights: {wall:.0f} s, CPU {cpu:.1f} s; {rows / cpu:,.0f} flights and {made / cpu:,.0f} rows of all tables per CPU s; peak MiB: ")
    out(f"all {watch.shared_once_mib:,.0f}, JVM {watch.jvm_mib:,.0f}, driver's Python {watch.driver_mib:,.0f}, one worker {watch.worker_mib:,.0f}\n")
    for step, spent in clock.steps.items():
        cpu = sum(seconds for kind, seconds in spent.items() if kind != "wall")
        if cpu >= 0.05:
            kinds = ", ".join(f"{kind} {seconds:.1f}" for kind, seconds in spent.items() if kind != "wall")
            out(f"    {step:<32} {cpu:>7.1f} CPU s ({kinds}), {spent['wall']:.1f} s\n")
    sys.stdout.flush()


# ---- the schema


def _fit(spark: SparkSession, options: argparse.Namespace, model: Path) -> None:
    data = {name: spark.read.parquet(str(options.folder / f"{name}.parquet")) for name in TABLES}
    if options.child:
        data["bookings"] = bookings(data["flights"])
    config = FitConfig(training=TrainingConfig(epochs=options.epochs))
    Synthesizer(metadata(options.child), spark=spark, model=options.model, config=config).fit(data, seed=1).save(str(model))


def metadata(child: bool) -> Metadata:
    """The flights' schema, with the child or without."""
    found = Metadata().add_table("airlines", pk="carrier", role="reference").add_table("airports", pk="faa", role="reference")
    found.add_table("planes", pk="tailnum")
    found.add_table("weather", pk=["origin", "time_hour"], fk={"origin": "airports.faa"})
    keys: list[dict[str, Any]] = [
        {"columns": ["carrier"], "parent_table": "airlines", "parent_columns": ["carrier"]},
        {"columns": ["tailnum"], "parent_table": "planes", "parent_columns": ["tailnum"], "orphans": "null"},
        {"columns": ["origin"], "parent_table": "airports", "parent_columns": ["faa"]},
        {"columns": ["dest"], "parent_table": "airports", "parent_columns": ["faa"], "orphans": "null"},
        {"columns": ["origin", "time_hour"], "parent_table": "weather", "parent_columns": ["origin", "time_hour"], "orphans": "null"},
    ]
    found.add_table("flights", pk="flight_id", foreign_keys=keys)
    return found.add_table("bookings", pk="booking_id", fk={"flight_id": "flights.flight_id"}) if child else found


def bookings(flights: DataFrame) -> DataFrame:
    """None to three bookings of each flight, whose class and price depend on it."""

    def noise(salt: int, values: int):  # noqa: ANN202
        return F.pmod(F.xxhash64("flight_id", "nth", F.lit(salt)), F.lit(values))

    many = F.element_at(F.array(*map(F.lit, (0, 0, 1, 1, 1, 1, 2, 2, 3, 0))), (F.pmod(F.xxhash64("flight_id"), F.lit(10)) + 1).cast("int"))
    nth = F.explode(F.sequence(F.lit(1), F.greatest(many, F.lit(1)))).alias("nth")
    rows = flights.where(many > 0).select("flight_id", "distance", "time_hour", nth)
    cabin = F.when(noise(1, 100) < 80, "economy").when(noise(1, 100) < 95, "premium").otherwise("business")
    return rows.select(
        (F.col("flight_id") * 4 + F.col("nth")).alias("booking_id"),
        "flight_id",
        cabin.alias("cabin"),
        F.round((F.col("distance") * 0.11 + 40 + noise(2, 60)) * F.when(cabin == "business", 3.5).otherwise(1.0), 2).alias("price"),
        (F.col("time_hour") - F.make_dt_interval(noise(3, 90).cast("int"), noise(4, 24).cast("int"))).alias("booked_at"),
        (noise(5, 4) + 1).alias("seats"),
    )


# ---- what is measured


def _sampled(synthesizer: Synthesizer, rows: int, options: argparse.Namespace, out: str, clock: Clock) -> dict[str, DataFrame]:
    with clock.watching():
        return synthesizer.sample(scale=rows / LEARNT, seed=options.seed, output=out)


def _repeated(frames: Iterator[pd.DataFrame], *, batch: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for frame in frames:
        for _ in range(len(frame)):
            yield batch


def _premade(spark: SparkSession, rows: int, flights: pd.DataFrame, work: Path) -> None:
    """The same batch of flights again and again."""
    schema = spark.createDataFrame(flights.head(100)).schema
    arrow = flights.convert_dtypes(dtype_backend="pyarrow")
    blocks = spark.range(0, max(1, rows // BATCH), numPartitions=4)
    made = blocks.mapInPandas(partial(_repeated, batch=arrow), schema)
    made.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(str(work / "premade"))


def _expressions(spark: SparkSession, rows: int, flights: pd.DataFrame, work: Path) -> None:
    """One of up to 64 values per column, by hash."""
    columns = []
    for i, field in enumerate(spark.createDataFrame(flights.head(100)).schema.fields):
        values = flights[field.name].dropna().unique()[:64]
        known = [v.to_pydatetime() if isinstance(v, pd.Timestamp) else v.item() if hasattr(v, "item") else v for v in values]
        place = F.pmod(F.xxhash64("id", F.lit(i)), F.lit(len(known))).cast("int") + 1
        columns.append(F.element_at(F.array(*(F.lit(v) for v in known)), place).cast(field.dataType).alias(field.name))
    spark.range(rows).select(*columns).write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(str(work / "expressions"))


if __name__ == "__main__":
    main()
