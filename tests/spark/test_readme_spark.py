"""The README's code runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synthohive_spark import Metadata

README = Path(__file__).resolve().parents[2] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_notebook_example_writes_tables_and_a_report(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"customer_id": np.arange(50), "country": rng.choice(["de", "fr"], 50)})
    orders = pd.DataFrame({"order_id": np.arange(120), "customer_id": rng.choice(50, 120), "total": rng.gamma(2, 20, 120).round(2)})
    for name, frame in {"customers": customers, "orders": orders}.items():
        spark.createDataFrame(frame).write.format("delta").save(str(tmp_path / "lake" / name))
    example, asked = blocks("python")
    expected = Metadata().add_table("customers", pk="customer_id").add_table("orders", pk="order_id", fk={"customer_id": "customers.customer_id"})
    scope: dict = {}
    exec(compile(example, "README.md", "exec"), scope)
    assert scope["found"].metadata.to_dict() == expected.to_dict()
    exec(compile(asked, "README.md", "exec"), scope)
    assert [tuple(row) for row in scope["german"]["customers"].groupBy("country").count().collect()] == [("de", 1000)]
    assert scope["german"]["orders"].join(scope["german"]["customers"], "customer_id").count() == scope["german"]["orders"].count() > 1000
    assert scope["tables"]["customers"].count() == 500
    assert (tmp_path / "synthetic" / "shop" / "orders" / "_delta_log").is_dir()
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "models" / "shop" / "manifest.json").is_file()


def test_the_example_schema_is_valid(tmp_path: Path) -> None:
    (example,) = blocks("yaml")
    path = tmp_path / "schema.yaml"
    path.write_text(example, encoding="utf-8")
    metadata = Metadata.from_yaml(path)
    assert [fk.orphans for fk in metadata.tables["flights"].foreign_keys] == ["error", "null", "null"]


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert not [link for link in links if "://" not in link and not (README.parent / link).exists()]
