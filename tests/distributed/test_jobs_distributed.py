"""The README's three commands as they stand, on a cluster with nothing else set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"customer_id": np.arange(200) + 10, "segment": rng.choice(["a", "b"], 200)})
    orders = pd.DataFrame({"order_id": np.arange(500), "customer_id": rng.choice(customers.customer_id[:150], 500), "amount": rng.gamma(2.0, 5.0, 500)})
    for name, frame in (("customers", customers), ("orders", orders)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    body = {
        "tables": {"customers": {"pk": "customer_id"}, "orders": {"pk": "order_id", "fk": {"customer_id": "customers.customer_id"}}},
        "source": {name: str(tmp_path / f"{name}.parquet") for name in ("customers", "orders")},
        "fit": {"model": "autoregressive", "seed": 1, "epochs": 2, "output": "model"},
        "sample": {"seed": 2, "output": "./synthetic"},
        "validate": {"output": "report.html"},
    }
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def submit(cluster_url: str, job: str, config: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_HOME")} | {
        "SYNTHOHIVE_PYTHON": sys.executable
    }
    command = [str(ROOT / "spark-submit.sh"), "--master", cluster_url, str(ROOT / "jobs" / f"{job}.py"), "--config", str(config)]
    return subprocess.run(command, cwd=config.parent, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_fit_sample_and_validate_run_as_the_readme_has_them(cluster_url: str, config: Path) -> None:
    for job, says in (("fit", "model: model"), ("sample", "orders                            500 rows"), ("validate", "two halves of the real data")):
        done = submit(cluster_url, job, config)
        assert done.returncode == 0 and says in done.stdout, f"{job}: {done.stdout}\n{done.stderr[-3000:]}"
    customers, orders = (DeltaTable(str(config.parent / "synthetic" / name)).to_pandas() for name in ("customers", "orders"))
    assert orders.order_id.is_unique and set(orders.customer_id) <= set(customers.customer_id)
    assert sorted(p.name for p in config.parent.iterdir() if p.is_dir()) == ["model", "synthetic"]  # what the jobs shared is gone


def test_a_failing_job_says_why_in_few_lines(cluster_url: str, config: Path) -> None:
    done = submit(cluster_url, "sample", config)  # nothing is fitted
    told = done.stdout + done.stderr  # spark-submit gives both of a Python program as its own output
    assert done.returncode == 1
    assert "sample failed: " in told and "model does not exist" in told and "Traceback" not in told
