"""Every type and every awkward column: fitted, saved, loaded and sampled, each comes back in its type, nullability, null rate and range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from synthohive_spark import FitConfig, Metadata, SchemaError, Synthesizer, TrainingConfig
from synthohive_spark.kernels.models import model_class

N = 3_000
SIGMAS = 4.5  # of a binomial: about one column in 100,000 runs
DAY = date(2021, 3, 1)
MOMENT = datetime(2021, 3, 1, 12)

Draw = Callable[[np.random.Generator], list[Any]]


class Column(NamedTuple):
    """A column to test: its values, and what has to hold beside type, nullability, null rate and range."""

    name: str
    ddl: str
    draw: Draw
    keeps: str = ""  # "zeros", "tail", "values", "unique"
    nullable: bool = True


def typed(values: np.ndarray, ddl: str) -> list[Any]:
    """Numbers as values of the type: days and seconds from a fixed moment on for dates and times."""
    makers: dict[str, Callable[[Any], Any]] = {
        "boolean": lambda x: bool(int(x) % 2),
        "string": lambda x: f"v{int(x):05d}",
        "date": lambda x: DAY + timedelta(days=int(x)),
        "timestamp": lambda x: (MOMENT + timedelta(seconds=int(x))).replace(tzinfo=timezone.utc),
        "timestamp_ntz": lambda x: MOMENT + timedelta(seconds=int(x)),
        "float": lambda x: float(np.float32(x)),
        "double": float,
    }
    if ddl.startswith("decimal"):
        scale = int(ddl[:-1].split(",")[1])
        return [round(Decimal(float(x)), scale) for x in values]
    return [makers.get(ddl, int)(x) for x in values]


def draw(ddl: str, made: Callable[[np.random.Generator], np.ndarray], null: float = 0.0) -> Draw:
    def values(rng: np.random.Generator) -> list[Any]:
        missing = rng.random(N) < null
        return [None if gone else value for gone, value in zip(missing, typed(made(rng), ddl), strict=True)]

    return values


def spread(rng: np.random.Generator, high: float = 90.0) -> np.ndarray:
    return np.minimum(rng.gamma(2.0, high / 6, N), 120.0)


def inflated(rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(N) < 0.7, 0.0, np.exp(rng.normal(3.0, 1.0, N)))


def heavy(rng: np.random.Generator) -> np.ndarray:
    return np.exp(rng.normal(4.0, 3.0, N))


def few(rng: np.random.Generator) -> np.ndarray:
    return rng.choice([3, 41, 42, 97], N, p=[0.5, 0.3, 0.15, 0.05])


def shuffled(rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(N).astype(float)


TYPES = (
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "float",
    "double",
    "decimal(10,2)",
    "decimal(38,18)",
    "string",
    "boolean",
    "date",
    "timestamp",
    "timestamp_ntz",
)
WIDE = ("int", "bigint", "float", "double", "decimal(18,4)", "string", "date", "timestamp", "timestamp_ntz")
HOSTILE = (
    "_",
    "a.b.c",
    "\N{SNOWMAN}\u00e4\u6f22",
    "select",
    "1",
    "'--",
    'q"uote',
    "per%cent",
    "$x[0]",
    "n" * 120,
    "null",
    "a\\b",
    "%s",
)  # all that Delta can store


def named(kind: str, ddl: str) -> str:
    return ".".join([kind, *ddl.replace("(", ",").rstrip(")").split(",")])


COLUMNS = (
    *(Column(named("plain", ddl), ddl, draw(ddl, spread, 0.1)) for ddl in TYPES),
    *(Column(named("required", ddl), ddl, draw(ddl, spread), nullable=False) for ddl in TYPES),
    *(Column(named("null", ddl), ddl, draw(ddl, spread, 1.0)) for ddl in TYPES),
    *(Column(named("rare", ddl), ddl, draw(ddl, spread, 0.99)) for ddl in TYPES),
    *(Column(named("one", ddl), ddl, draw(ddl, lambda rng: np.full(N, 7.0)), "values") for ddl in TYPES),
    *(Column(named("code", ddl), ddl, draw(ddl, few, 0.05), "values") for ddl in ("tinyint", "int", "bigint", "double", "decimal(10,2)", "string", "date")),
    *(Column(named("zero", ddl), ddl, draw(ddl, inflated, 0.05), "zeros") for ddl in ("int", "bigint", "float", "double", "decimal(18,4)")),
    *(Column(named("tail", ddl), ddl, draw(ddl, heavy), "tail") for ddl in ("bigint", "float", "double", "decimal(18,4)")),
    *(Column(named("unique", ddl), ddl, draw(ddl, shuffled), "unique") for ddl in WIDE),
    *(Column(name, "int", draw("int", few, 0.02), "values") for name in HOSTILE),
    Column("large", "bigint", lambda rng: (2**60 + rng.integers(0, 1000, N)).tolist()),
    Column("negative", "decimal(10,3)", draw("decimal(10,3)", lambda rng: -spread(rng))),
)


def registered(name: str) -> bool:
    try:
        return bool(model_class(name))
    except SchemaError:
        return False


MODELS = [name for name in ("independent", "ctgan", "autoregressive") if registered(name)]


class Run(NamedTuple):
    """Real and sampled rows, and how exact the model has to be: a share may be off by `SIGMAS` of its binomial and this much."""

    real: DataFrame
    made: DataFrame
    slack: float
    tables: tuple[pa.Table, pa.Table]

    def columns(self, *keeps: str) -> Iterator[tuple[Column, np.ndarray, np.ndarray]]:
        """Columns of numbers and times that have values, as float64 without nulls."""
        for column in COLUMNS:
            sides = [table[column.name].drop_null() for table in self.tables]
            if column.ddl not in ("string", "boolean") and all(map(len, sides)) and (not keeps or column.keeps in keeps):
                yield column, *map(floats, sides)

    def off(self, real: float, made: float, rows: int) -> bool:
        return abs(real - made) > SIGMAS * np.sqrt(2 * real * (1 - real) / rows) + self.slack


def floats(column: pa.ChunkedArray) -> np.ndarray:
    """Dates in days, times in microseconds."""
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.int32() if pa.types.is_date(column.type) else pa.int64())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


@pytest.fixture(scope="module")
def real(spark: SparkSession) -> DataFrame:
    rng = np.random.default_rng(5)
    values = [column.draw(rng) for column in COLUMNS]
    schema = T.StructType([T.StructField(c.name, T._parse_datatype_string(c.ddl), c.nullable) for c in COLUMNS])
    return spark.createDataFrame(list(zip(*values, strict=True)), schema)


@pytest.fixture(
    scope="module", params=["autoregressive", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in [*MODELS, "copula"] if name != "autoregressive")]
)
def run(request: pytest.FixtureRequest, spark: SparkSession, real: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Fitted, saved, loaded and sampled; models that are trained only for two epochs."""
    path = str(tmp_path_factory.mktemp(request.param) / "model")
    alone = request.param in ("independent", "copula")
    config = FitConfig(training=TrainingConfig(epochs=2, evaluations=1, settings={"copula": True} if request.param == "copula" else {}))
    Synthesizer(Metadata().add_table("t"), spark=spark, model="independent" if alone else request.param, config=config).fit({"t": real}, seed=1).save(path)
    made = Synthesizer.load(path, spark=spark).sample({"t": N}, seed=2)["t"]
    return Run(real, made, 0.0 if alone else 0.15, (real.toArrow(), made.toArrow()))


def test_names_types_and_nullability_come_back(run: Run) -> None:
    sides = ([(f.name, f.dataType, f.nullable) for f in frame.schema.fields] for frame in (run.real, run.made))
    assert [pair for pair in zip(*sides, strict=True) if pair[0] != pair[1]] == []
    assert run.tables[1].num_rows == N


def test_null_rates_come_back(run: Run) -> None:
    rates = [(c.name, *(table[c.name].null_count / N for table in run.tables)) for c in COLUMNS]
    assert [rate for rate in rates if run.off(*rate[1:], rows=N)] == []
    assert [name for name, real, made in rates if real in (0.0, 1.0) and made != real] == []


def test_nothing_is_out_of_range(run: Run) -> None:
    found = {c.name: (real.min(), real.max(), made.min(), made.max()) for c, real, made in run.columns()}
    assert {name: ends for name, ends in found.items() if ends[2] < ends[0] or ends[3] > ends[1]} == {}
    assert len(found) > 70


def test_values_of_few_and_zeros_keep_their_shares(run: Run) -> None:
    faults = []
    for column, real, made in run.columns("values", "zeros"):
        values = set(real.tolist()) | set(made.tolist()) if column.keeps == "values" else {0.0}
        assert column.keeps == "zeros" or values == set(real.tolist()), column.name
        shares = [(column.name, value, (real == value).mean(), (made == value).mean()) for value in values]
        faults += [s for s in shares if run.off(*s[2:], rows=len(made))]
    assert faults == []
    for column in (c for c in COLUMNS if c.keeps == "values" and c.ddl == "string"):
        assert set(run.tables[1][column.name].to_pylist()) == set(run.tables[0][column.name].to_pylist())


def test_heavy_tails_keep_their_quantiles(run: Run) -> None:
    for column, real, made in run.columns("tail"):
        for q, digits in ((0.01, 0.3), (0.5, 0.1), (0.9, 0.15), (0.99, 0.3)):
            assert np.log10(np.quantile(made, q) + 1) == pytest.approx(np.log10(np.quantile(real, q) + 1), abs=digits + 2 * run.slack), (column.name, q)


def test_unique_columns_keep_their_spread_and_unique_text_is_new(run: Run) -> None:
    for column, real, made in run.columns("unique"):
        at = np.quantile(real, np.linspace(0.05, 0.95, 19))
        gaps = np.searchsorted(np.sort(made), at) / N - np.searchsorted(np.sort(real), at) / N
        assert np.abs(gaps).max() < 0.05 + run.slack, column.name
    real_text, made_text = (set(table["unique.string"].to_pylist()) for table in run.tables)
    assert len(made_text) > 0.98 * N and len(made_text & real_text) < 0.1 * N
