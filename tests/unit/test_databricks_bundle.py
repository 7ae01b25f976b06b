"""The bundle's files fit together, and what they tell the jobs is understood. That Databricks takes them is looked at by its own tools (docs/databricks.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthohive_spark.spec.run_config import RunConfig
from synthohive_spark.storage.targets import Target

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
VARIABLES = {name: str(said["default"]) for name, said in BUNDLE["variables"].items()}
KINDS = ("serverless", "cluster")


def filled(text: str) -> str:
    """The text with the defaults of the bundle's variables."""
    for _ in range(2):
        text = re.sub(r"\$\{var\.(\w+)\}", lambda m: VARIABLES[m[1]], text)
    return text.replace("${workspace.file_path}", str(ROOT))


def resources(kind: str) -> dict[str, Any]:
    return yaml.safe_load(filled((ROOT / "databricks" / f"{kind}.yml").read_text(encoding="utf-8")))["resources"]


def test_the_bundle_includes_files_that_are_there_and_builds_what_jobs_need() -> None:
    assert all((ROOT / path).is_file() for path in BUNDLE["include"])
    assert set(BUNDLE["targets"]) == {"dev", "prod"} and BUNDLE["targets"]["dev"]["default"]
    artifact = BUNDLE["artifacts"]["package"]
    assert "scripts/platform_wheel.py dist/*.whl dist/databricks" in artifact["build"]
    wheels = artifact["files"][0]["source"]
    for kind in KINDS:
        text = (ROOT / "databricks" / f"{kind}.yml").read_text(encoding="utf-8")
        assert text.count(f"../{wheels}") == 3
        assert set(re.findall(r"\$\{var\.(\w+)\}", text)) <= set(VARIABLES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_has_a_file_and_a_place_to_run(kind: str) -> None:
    jobs = resources(kind)["jobs"]
    assert set(jobs) == {"fit", "sample", "validate", "copy"}
    for name in ("fit", "sample", "validate"):
        (task,) = jobs[name]["tasks"]
        assert (ROOT / "databricks" / task["spark_python_task"]["python_file"]).resolve() == ROOT / "jobs" / f"{name}.py"
        if kind == "serverless":
            assert task["environment_key"] in {environment["environment_key"] for environment in jobs[name]["environments"]}
        else:
            assert task["job_cluster_key"] in {cluster["job_cluster_key"] for cluster in jobs[name]["job_clusters"]}
            assert jobs[name]["job_clusters"][0]["new_cluster"]["data_security_mode"] in ("SINGLE_USER", "USER_ISOLATION")


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_of_a_copy_wait_for_each_other(kind: str) -> None:
    tasks = {task["task_key"]: task for task in resources(kind)["jobs"]["copy"]["tasks"]}
    assert {name: [d["task_key"] for d in task.get("depends_on", ())] for name, task in tasks.items()} == {"fit": [], "sample": ["fit"], "validate": ["sample"]}
    assert all(task["run_job_task"]["job_id"] == f"${{resources.jobs.{name}.id}}" for name, task in tasks.items())


@pytest.mark.parametrize("kind", KINDS)
def test_jobs_understand_what_they_are_told(kind: str) -> None:
    found = resources(kind)
    runs = {}
    for name in ("fit", "sample", "validate"):
        told = found["jobs"][name]["tasks"][0]["spark_python_task"]["parameters"]
        assert told[0] == "--config" and told[2::2] == ["--set"] * (len(told) // 2 - 1)
        runs[name] = RunConfig.from_yaml(told[1], told[3::2])
    volume = found["volumes"]["models"]
    folder = f"/Volumes/{volume['catalog_name']}/{volume['schema_name']}/{volume['name']}"
    assert runs["fit"].source == "main.shop" and runs["fit"].fit.output == runs["sample"].model_path == f"{folder}/model"
    assert runs["sample"].sample.output == runs["validate"].synthetic_path == "main.shop_synthetic"
    assert Target.parse(runs["sample"].sample.output).describe("orders") is not None
    assert {runs["fit"].fit.work_dir, runs["sample"].sample.work_dir} == {f"{folder}/work"} and runs["validate"].validate_.output == f"{folder}/report.html"
    assert runs["fit"].fit.resume and runs["fit"].fit.seed is not None


def test_what_is_overridden_may_be_the_one_place_of_all_tables() -> None:
    assert RunConfig.from_yaml(ROOT / "conf" / "databricks.yaml", ["source=dev.shop"]).source == "dev.shop"
