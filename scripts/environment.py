"""For shell scripts: `environment.py java` writes a folder for JAVA_HOME, `jars` the jars for `spark-submit --jars`, `package FILE` a zip of the package."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "synthohive_spark"
# At the end: the folder has modules whose names the standard library has too. Importing through the package would load torch, for seconds.
sys.path.append(str(PACKAGE / "stages"))


def _java() -> str:
    from jvm.java import cache_folder, java_home, without_incubator

    home, note = java_home()
    if note:
        sys.stderr.write(f"{note}\n")
    return str(home if cache_folder() in home.parents else without_incubator(home, "quiet"))


def _jars() -> str:
    from jvm.jars import delta_jars, package_jars

    return ",".join(dict.fromkeys(str(jar) for jar in (*delta_jars(), *package_jars())))


def _package(target: str) -> str:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(PACKAGE.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(PACKAGE.parent))
    return target


def main(arguments: list[str]) -> int:
    """Run one of the three and write its answer to stdout; a failure is one line on stderr."""
    commands: dict[str, Callable[..., str]] = {"java": _java, "jars": _jars, "package": _package}
    try:
        command, *rest = arguments
        sys.stdout.write(commands[command](*rest) + "\n")
    except (KeyError, ValueError, TypeError):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
