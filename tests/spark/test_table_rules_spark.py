"""The copy of a Delta table keeps its generated columns, check constraints and NOT NULL, in its rows and for whoever writes to it later."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from dataclasses import replace

import pytest

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.errors import SynthoHiveError
from synthohive_spark.spec.form import TableForm, TableRules
from synthohive_spark.storage.forms import form_of
from synthohive_spark.storage.tables import Target

ROWS = 600
GENERATED = {
    "day": "CAST(at AS DATE)",
    "total": "CAST(qty * price AS DECIMAL(19,2))",
    "mark": "upper(concat(name, '-', shop.no))",
    "digest": "sha2(CAST(qty AS STRING), 256)",
}
COLUMNS = "id BIGINT NOT NULL, shop STRUCT<no: INT, town: STRING>, at TIMESTAMP NOT NULL, qty INT, price DECIMAL(8,2), name VARCHAR(6), " + ", ".join(
    f"{column} {kind} GENERATED ALWAYS AS ({GENERATED[column]})"
    for column, kind in {"day": "DATE", "total": "DECIMAL(19,2) NOT NULL", "mark": "STRING", "digest": "STRING"}.items()
)
CHECKS = {
    "few": "qty BETWEEN 1 AND 40",
    "known": "name IN ('ant', 'bee', 'cat')",
    "odd": "(qty + shop.no) % 3 <> 0",
    "there": "price IS NOT NULL AND `shop`.`town` LIKE 't%'",
    "dear": "total >= qty",
}


def _orders(spark, where: str) -> None:
    """Rows that keep the constraints, one of which (`odd`) ties two columns in a way that no row model sees."""
    spark.sql(f"CREATE TABLE {where} ({COLUMNS}) USING delta PARTITIONED BY (day)")
    for name, text in CHECKS.items():
        spark.sql(f"ALTER TABLE {where} ADD CONSTRAINT {name} CHECK ({text})")
    rows = spark.range(ROWS).selectExpr(
        "id",
        "named_struct('no', int(id % 7), 'town', concat('t', id % 3)) AS shop",
        "timestamp'2024-01-01 12:00:00' + make_dt_interval(int(id % 5), int(id % 11)) AS at",
        "int(1 + ((hash(id) & 7) * 3) + (4 - (id % 7)) % 3 + 3) AS qty",
        "CAST(1 + id % 90 / 4 AS DECIMAL(8,2)) AS price",
        "element_at(array('ant', 'bee', 'cat'), int(id % 3 + 1)) AS name",
    )
    rows = rows.where("(qty + shop.no) % 3 <> 0 AND qty BETWEEN 1 AND 40")
    rows.createOrReplaceTempView("orders_of_a_source")
    spark.sql(f"INSERT INTO {where} (id, shop, at, qty, price, name) SELECT * FROM orders_of_a_source")


def _insert(spark, where: str, values: str) -> None:
    spark.sql(f"INSERT INTO {where} (id, shop, at, qty, price, name) VALUES ({values})")


def _later_writes(spark, where: str) -> None:
    """What a pipeline may write, and what it may not."""
    good = "1000000, struct(1, 'tx'), timestamp'2024-05-06 07:00:00', 3, 2.50, 'bee'"
    _insert(spark, where, good)
    row = spark.sql(f"SELECT day, total, mark FROM {where} WHERE id = 1000000").first()
    assert (str(row["day"]), str(row["total"]), row["mark"]) == ("2024-05-06", "7.50", "BEE-1")
    for bad in ("'bee'", "1000000"), (" 3,", " 41,"), ("'bee'", "'dog'"), (" 3,", " 2,"), ("1000000", "null"), ("2.50", "null"):
        with pytest.raises(Exception, match="VIOLATE|NOT_NULL|CHAR_VARCHAR|EXCEED|too long|null"):
            _insert(spark, where, good.replace(*bad) if bad != ("'bee'", "1000000") else good.replace("'bee'", "'bumblebee'"))


@pytest.fixture(scope="module")
def orders(spark, tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp("real") / "orders")
    _orders(spark, f"delta.`{path}`")
    return path


@pytest.fixture(params=["folder", pytest.param("far catalog", marks=pytest.mark.exhaustive)])
def output(request, spark, tmp_path) -> Iterator[str]:
    """An output that Python reaches, and one that only Spark does."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    with pytest.MonkeyPatch.context() as patch:
        if request.param.startswith("far"):
            patch.setattr("synthohive_spark.storage.ground.reach", lambda _: None)
        yield str(tmp_path / "out") if request.param == "folder" else schema
    spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.fixture(scope="module")
def learnt(spark, orders) -> Synthesizer:
    lines = spark.range(900).selectExpr("id AS line", f"id * 7 % {ROWS} AS `order`", "id % 4 AS v")
    lines = lines.join(spark.read.format("delta").load(orders).selectExpr("id AS `order`"), "order").select("line", "order", "v")
    metadata = Metadata().add_table("orders", pk="id").add_table("lines", pk="line", fk={"order": "orders.id"})
    return Synthesizer(metadata, spark=spark, model="independent").fit({"orders": orders, "lines": lines}, seed=1)


def test_every_row_keeps_the_rules_and_later_writes_must(spark, learnt, output, tmp_path):
    loaded = Synthesizer.load(learnt.save(str(tmp_path / "model")), spark=spark)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*does not have.*")
        made = loaded.sample(seed=3, output=output)
        again = loaded.sample(seed=3, output=output)  # over the first ones
    rows = again["orders"]
    broken = " OR ".join(f"NOT coalesce({text}, false)" for text in CHECKS.values())
    assert rows.where(broken).count() == 0 and rows.count() >= 0.99 * ROWS
    wrong = " OR ".join(f"NOT ({column} <=> {text})" for column, text in GENERATED.items())
    assert rows.where(wrong).count() == 0 and rows.where("digest IS NULL OR mark IS NULL").count() == 0
    assert again["lines"].join(rows, again["lines"].order == rows.id, "left_anti").count() == 0
    assert sorted(rows.collect(), key=str) == sorted(made["orders"].collect(), key=str)
    _later_writes(spark, f"delta.`{output}/orders`" if "/" in output else f"{output}.orders")
    assert loaded.sample(seed=3, output=output)["orders"].count() == rows.where("id < 1000000").count()


@pytest.mark.exhaustive
def test_rows_do_not_depend_on_partitions_or_on_other_attempts(spark, learnt):
    before = spark.conf.get("spark.sql.shuffle.partitions")
    first = sorted(learnt.sample(seed=4)["orders"].collect(), key=str)
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    try:
        assert sorted(learnt.sample(seed=4)["orders"].collect(), key=str) == first
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)


@pytest.mark.exhaustive
def test_rules_that_go_away_and_rules_of_others(spark, learnt, tmp_path):
    output, place = str(tmp_path / "out"), f"delta.`{tmp_path}/out/orders`"
    learnt.sample(seed=3, output=output)
    spark.sql(f"ALTER TABLE {place} ADD CONSTRAINT theirs CHECK (qty < 99)")
    free = Synthesizer(learnt.metadata, spark=spark)
    fitted = learnt._fitted
    less = TableForm(rules=TableRules(generated={"day": "CAST(at AS DATE)"}, checks={"few": "qty > 0"}))
    free._fitted = replace(fitted, forms={**fitted.forms, "orders": less})
    made = free.sample(seed=3, output=output)["orders"]
    form = form_of(spark, Target.parse(output).address("orders"), made)
    assert form.rules == TableRules(generated={"day": "CAST(at AS DATE)"}, checks={"few": "qty > 0", "theirs": "qty < 99"})
    with pytest.raises(Exception, match="theirs"):
        spark.sql(f"INSERT INTO {place} (id, at, qty, total) VALUES (1, timestamp'2024-01-01', 99, 0)")
    spark.sql(f"ALTER TABLE {place} DROP CONSTRAINT few")
    made = free.sample(seed=3, output=output)["orders"]
    assert form_of(spark, Target.parse(output).address("orders"), made).rules == form.rules
    spark.sql(f"ALTER TABLE {place} DROP CONSTRAINT few")
    spark.sql(f"ALTER TABLE {place} ADD CONSTRAINT few CHECK (qty < 98)")
    with pytest.raises(SynthoHiveError, match="somebody else under names .*'few'"):
        free.sample(seed=3, output=output)
    assert spark.sql(f"SHOW TBLPROPERTIES {place} ('delta.constraints.few')").first()["value"] == "qty < 98"


def test_what_cannot_be_kept_is_told(spark, tmp_path):
    place = f"delta.`{tmp_path}/real`"
    spark.sql(
        f"CREATE TABLE {place} (id BIGINT, code STRING, part STRING GENERATED ALWAYS AS (concat('P', id)), v INT, mail STRING, now DOUBLE) USING delta "
        "TBLPROPERTIES ('delta.constraints.mailed' = \"mail LIKE '%@corp.test'\", 'delta.constraints.old' = 'id < 300', "
        "'delta.constraints.lucky' = 'typeof(v) IS NOT NULL', 'delta.constraints.low' = 'v < 5')"
    )
    rows = spark.range(300).selectExpr("id", "concat('c', id) AS code", "int(id % 5) AS v", "concat('m', id, '@corp.test') AS mail", "rand() AS now")
    rows.createOrReplaceTempView("rows_of_rules")
    spark.sql(f"INSERT INTO {place} (id, code, v, mail, now) SELECT id, code, v, mail, now FROM rows_of_rules")
    children = spark.range(300).selectExpr("id", "concat('P', id) AS part")
    metadata = Metadata().add_table("t", pk="id", pii_cols={"mail": "email"}).add_table("c", pk="id", fk={"part": "t.part"})
    learnt = Synthesizer(metadata, spark=spark, model="independent").fit({"t": str(tmp_path / "real"), "c": children}, seed=1)
    with pytest.warns(UserWarning, match="does not have") as told:
        made = learnt.sample(seed=1, output=str(tmp_path / "out"))
    text = " ".join(str(w.message) for w in told)
    assert "'part' is generated (it is part of a key" in text and "'lucky' (its expression calls a function" in text
    assert "'mailed' (300 rows would break it)" in text and "'old' (300 rows would break it)" in text and "'low'" not in text
    assert form_of(spark, str(tmp_path / "out" / "t"), made["t"]).rules == TableRules(checks={"low": "v < 5"})
    assert made["t"].count() == 300 and made["c"].join(made["t"], "part", "left_anti").count() == 0


def test_rules_of_a_model_from_elsewhere_are_not_run(spark, learnt):
    fitted = learnt._fitted
    hostile = Synthesizer(learnt.metadata, spark=spark)
    for rules in (TableRules(checks={"x": "reflect('java.lang.System', 'exit', 1) = ''"}), TableRules(generated={"qty": "(SELECT max(id) FROM other)"})):
        hostile._fitted = replace(fitted, forms={"orders": TableForm(rules=rules)})
        with pytest.raises(SynthoHiveError, match="is not run"):
            hostile.sample(seed=1)


def test_generated_columns_are_not_asked_for(learnt):
    with pytest.raises(SynthoHiveError, match="'digest' is generated by the table"):
        learnt.sample(conditions=[{"table": "orders", "values": {"digest": "x"}, "rows": 3}])


def test_conditions_that_break_a_check_by_themselves_are_refused_before_rows_are_made(spark, learnt):
    """One that reads other columns too is not judged."""
    asking = Synthesizer(learnt.metadata, spark=spark)
    checks = {"cheap": "qty * price < 20", "far": "qty > 20 AND shop.town = 't1'"}
    asking._fitted = replace(learnt._fitted, forms={"orders": TableForm(rules=TableRules(checks=checks))})
    asked = [{"table": "orders", "values": values, "rows": 2} for values in ({"qty": 10}, {"qty": 10, "price": 10}, {"qty": 4, "price": 2})]
    with pytest.raises(SynthoHiveError, match=r"^1 fault in .*conditions\[1\].*break the check constraint 'cheap'"):
        asking.sample(conditions=asked)


def test_expressions_that_do_not_fit_their_table(spark, tmp_path):
    place = f"delta.`{tmp_path}/real`"
    spark.sql(f"CREATE TABLE {place} (id INT, a STRING, gone BINARY) USING delta TBLPROPERTIES ('delta.constraints.gone' = 'gone IS NOT NULL')")
    spark.sql(f"INSERT INTO {place} SELECT id, concat('a', id % 3), binary('x') FROM range(50)")
    learnt = Synthesizer(Metadata().add_table("t", pk="id", unsupported="drop"), spark=spark, model="independent").fit({"t": str(tmp_path / "real")}, seed=1)
    with pytest.warns(UserWarning, match="'gone' .its expression names something that is no column of the table"):
        assert learnt.sample(seed=1)["t"].count() == 50


@pytest.mark.exhaustive
def test_rules_that_fail_over_made_up_rows_are_left_out_and_told(spark, tmp_path):
    """By text that is no number any more, a quotient by 0 and a value that must be there; in rows that are staged first and in those that are not."""
    path = str(tmp_path / "real")
    spark.sql(
        f"CREATE TABLE delta.`{path}` (id BIGINT, code STRING, qty INT, no INT GENERATED ALWAYS AS (CAST(code AS INT)), "
        "must STRING NOT NULL GENERATED ALWAYS AS (substr(code, 1, CAST(CAST(code AS INT) / (qty + 7) AS INT) * 0 + 2)), "
        "twice INT GENERATED ALWAYS AS (qty * 2)) USING delta"
    )
    rows = spark.range(200).selectExpr("id", "CAST(1000 + id AS STRING) AS code", "int(1 + id % 9) AS qty")
    rows.createOrReplaceTempView("rows_that_fail")
    spark.sql(f"INSERT INTO delta.`{path}` (id, code, qty) SELECT * FROM rows_that_fail")
    spark.sql(f"ALTER TABLE delta.`{path}` ADD CONSTRAINT low CHECK (qty < 10)")
    spark.sql(f"ALTER TABLE delta.`{path}` ADD CONSTRAINT share CHECK (1000000 DIV (CAST(code AS INT) - 5) > 1)")
    metadata = Metadata().add_table("t", pk="id", pii_cols={"code": "name"})
    learnt = Synthesizer(metadata, spark=spark, model="independent").fit({"t": path}, seed=1)
    fitted = learnt._fitted
    generated_only = TableForm(rules=fitted.forms["t"].rules.without((), fitted.forms["t"].rules.checks))
    for forms, checks in ((fitted.forms, {"low": "qty < 10"}), ({"t": generated_only}, {})):
        learnt._fitted = replace(fitted, forms=forms)
        out = str(tmp_path / f"out{len(checks)}")
        with pytest.warns(UserWarning, match="does not have") as told:
            made = learnt.sample(seed=1, output=out)["t"]
        text = " ".join(str(w.message) for w in told)
        assert "'no' is generated (it fails over rows that are made up)" in text and "'twice'" not in text and "'low'" not in text
        assert ("'share' (it fails over rows" in text) == bool(checks)
        assert made.count() == 200 and made.where("NOT twice <=> qty * 2").count() == 0
        assert form_of(spark, out + "/t", made).rules == TableRules(generated={"twice": "qty * 2"}, checks=checks)
