"""The code of docs/detect.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synthohive_spark.spec.run_config import RunConfig

PAGE = Path(__file__).resolve().parents[2] / "docs" / "detect.md"


def test_the_examples_detect_fit_and_copy(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"customer_id": np.arange(200) + 1, "email": [f"p{i}@mail.test" for i in range(200)], "country": rng.choice(["de", "fr"], 200)})
    orders = pd.DataFrame({"order_id": np.arange(600) + 1, "customer_id": rng.choice(np.arange(200) + 1, 600), "total": rng.gamma(2, 20, 600).round(2)})
    for name, frame in {"customers": customers, "orders": orders}.items():
        spark.createDataFrame(frame).write.format("delta").save(str(tmp_path / "lake" / name))
    scope: dict = {"spark": spark}
    for example in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(example, "detect.md", "exec"), scope)
    shown = re.search(r"```\n(table .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in shown[1].splitlines():  # the page shortens long lines
        assert any(told.startswith(" ".join(line.split()).removesuffix(" ...")) for told in printed), line
    run = RunConfig.from_yaml(tmp_path / "shop.yaml")
    assert run.source == "lake/" and run.metadata.to_dict() == scope["found"].metadata.to_dict()
    assert not scope["made"].faults and scope["made"].tables["orders"].count() == 600
    assert not set(customers["email"]) & {row.email for row in scope["made"].tables["customers"].collect()}
    assert (tmp_path / "report.html").is_file() and (tmp_path / "copy" / "orders" / "_delta_log").is_dir()
