"""Which jars Delta needs, without fetching any."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from synthohive_spark.stages.jvm import jars
from synthohive_spark.stages.jvm.jars import JarsNotFound, delta_coordinate, delta_jars, package_jars


def test_coordinate_follows_the_installed_versions() -> None:
    group, artifact, number = delta_coordinate().split(":")
    spark = ".".join(version("pyspark").split(".")[:2])
    assert (group, number) == ("io.delta", version("delta-spark"))
    assert artifact in (f"delta-spark_{spark}_2.13", "delta-spark_2.13")


def test_a_named_folder_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("delta-spark_4.2_2.13-4.4.0.jar", "delta-storage-4.4.0.jar", "notes.txt"):
        (tmp_path / name).touch()
    assert [jar.name for jar in delta_jars(tmp_path)] == ["delta-spark_4.2_2.13-4.4.0.jar", "delta-storage-4.4.0.jar"]
    monkeypatch.setenv("SYNTHOHIVE_JARS", str(tmp_path))
    assert len(delta_jars()) == 2


def test_a_folder_without_delta_is_refused(tmp_path: Path) -> None:
    (tmp_path / "delta-storage-4.4.0.jar").touch()
    with pytest.raises(JarsNotFound, match="holds no delta-spark_"):
        delta_jars(tmp_path)


@pytest.fixture
def fake_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Instead of the resolver: a program that puts one jar where the resolver was told to."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append([*command, Path(command[command.index("-settings") + 1]).read_text(), Path(command[command.index("-ivy") + 1]).read_text()])
        folder = Path(command[command.index("-retrieve") + 1]).parent
        folder.mkdir(parents=True)
        module = Path(command[command.index("-ivy") + 1]).read_text()
        name = "org.postgresql_postgresql-1.2" if "org.postgresql" in module else "io.delta_delta-spark_4.2_2.13-4.4.0"
        (folder / f"{name}.jar").write_bytes(b"jar")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.delenv("SYNTHOHIVE_JARS", raising=False)
    monkeypatch.setenv("SYNTHOHIVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(jars, "java_home", lambda: (tmp_path, ""))
    monkeypatch.setattr(jars.subprocess, "run", run)
    return calls


def test_jars_are_fetched_once_from_a_chain_without_the_local_maven_cache(fake_fetch: list[list[str]]) -> None:
    first, second = delta_jars(), delta_jars()
    assert first == second and [jar.read_bytes() for jar in first] == [b"jar"]
    assert len(fake_fetch) == 1
    settings, module = fake_fetch[0][-2:]
    assert settings.count("<ibiblio") == 1 and "file:" not in settings and "://" not in settings
    assert 'name="delta-spark_' in module and '<exclude org="org.apache.*"' in module


def test_a_failed_fetch_names_the_ways_out_and_leaves_nothing(tmp_path: Path, fake_fetch: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "java.net.UnknownHostException: repo", ""))
    with pytest.raises(JarsNotFound, match="UnknownHostException.*SYNTHOHIVE_JARS=/folder"):
        delta_jars()
    assert list((tmp_path / "cache" / "jars").iterdir()) == []


def test_packages_are_fetched_once_by_their_maven_names(fake_fetch: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHOHIVE_PACKAGES", "org.postgresql:postgresql:1.2, ")
    assert [jar.name for jar in package_jars()] == ["org.postgresql_postgresql-1.2.jar"]
    assert package_jars(["org.postgresql:postgresql:1.2"]) == package_jars() and len(fake_fetch) == 1
    assert 'org="org.postgresql" name="postgresql" rev="1.2"' in fake_fetch[0][-1]


def test_what_is_no_maven_name_is_refused_and_a_folder_holds_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JarsNotFound, match="'postgresql'. are no Maven names; expected group:artifact:version"):
        package_jars(["postgresql"])
    monkeypatch.setenv("SYNTHOHIVE_JARS", str(tmp_path))
    assert package_jars(["org.postgresql:postgresql:1.2"]) == []
