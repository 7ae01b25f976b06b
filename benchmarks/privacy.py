"""Whether values that occur once, or for one person, come out again: 1,000 planted texts, numbers, dates and e-mail addresses, sought everywhere.

    python benchmarks/privacy.py ../shared/data --only adult --model independent
    python benchmarks/privacy.py ../shared/data --model autoregressive --out /tmp/privacy

Each line has a kind of value, how many were planted, and how many of them were found in the synthetic tables (twice as many rows as the real ones), in the
saved artifact, in the report (HTML and JSON) and in the log. Beside each number stands, after the slash, how many were found of as many values of the same
kind that were not planted: what chance alone gives. What is nearer to a number than half its step counts as that number, as do a date's days and its text.
Tensors of the artifact are not read as numbers: they are weights of a network over codes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable
from planted import Plant, adult, flights

from synthohive_spark import FitConfig, Metadata, Synthesizer, spark_session

PLACES = ("sample", "artifact", "report", "log")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def adult_metadata() -> Metadata:
    return Metadata().add_table("adult")


def flights_metadata() -> Metadata:
    metadata = Metadata().add_table("airlines", pk="carrier", role="reference").add_table("airports", pk="faa", role="reference")
    metadata.add_table("planes", pk="tailnum")
    keys = {"tailnum": "planes.tailnum", "carrier": "airlines.carrier", "dest": "airports.faa", "origin": "airports.faa"}
    return metadata.add_table("flights", pk="flight_id", fk=keys)


SETS = {"adult": ("adult", adult, adult_metadata), "flights": ("nycflights13_100k", flights, flights_metadata)}


def main() -> None:
    options = _arguments()
    for name in options.only:
        folder, plant, metadata = SETS[name]
        frames, plants = plant(options.data / folder, options.seed)
        out = (options.out or Path(tempfile.mkdtemp(prefix="privacy"))) / name
        out.mkdir(parents=True, exist_ok=True)
        if not options.search:
            with _logged(out / "log.txt"):
                _copied(frames, metadata(), out, options)
        found = _found(plants, out)
        for line in _lines(plants, found):
            print(line)
        (out / "found.json").write_text(json.dumps(found, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the datasets")
    parser.add_argument("--only", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--model", default="independent")
    parser.add_argument("--scale", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--search", action="store_true", help="only search what an earlier run of the same seed left below --out")
    return parser.parse_args()


def _copied(frames: dict[str, pd.DataFrame], metadata: Metadata, out: Path, options: argparse.Namespace) -> None:
    """Fit, save, sample and report."""
    spark = spark_session("privacy")
    real = {}
    for name, frame in frames.items():
        frame.to_parquet(out / f"{name}.parquet", coerce_timestamps="us")
        real[name] = spark.read.parquet(str(out / f"{name}.parquet"))
    synthesizer = Synthesizer(metadata, spark=spark, model=options.model, config=FitConfig())
    synthesizer.fit(real, seed=options.seed)
    synthesizer.save(str(out / "artifact"), overwrite=True)
    tables = synthesizer.sample(scale=options.scale, seed=7, output=str(out / "synthetic"))
    report = synthesizer.generate_validation_report(real, tables)
    report.save(out / "report.html")
    report.save(out / "report.json")
    print(report)  # it is part of what a user sees, and of the log here


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """All that this process and Java print goes to a file."""
    kept = [os.dup(number) for number in (1, 2)]
    with path.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)


def _found(plants: list[Plant], out: Path) -> list[dict[str, list[int]]]:
    """Per plant and place: how many of the planted values were found there, and how many of the others."""
    artifact = [p for p in (out / "artifact").rglob("*") if p.is_file()]
    texts = {
        "artifact": "\n".join(p.read_bytes().decode("utf-8", "replace") for p in artifact if "reference" not in p.parts),
        "report": "\n".join((out / f"report.{kind}").read_text(encoding="utf-8") for kind in ("html", "json")),
        "log": (out / "log.txt").read_text(encoding="utf-8", errors="replace"),
    }
    tensors = [p for p in artifact if p.suffix == ".safetensors"]
    plain = texts | {"artifact": "\n".join(p.read_text(encoding="utf-8") for p in artifact if p not in tensors and "reference" not in p.parts)}
    numbers = {place: np.unique([float(n) for n in NUMBER.findall(text)]) for place, text in plain.items()}
    found = []
    for plant in plants:
        column = _column(DeltaTable(str(out / "synthetic" / plant.table)).to_pyarrow_table(columns=[plant.column])[plant.column].unique())
        seen: dict[str, Callable[[str | float], bool]] = {"sample": _in_column(column, plant)}
        seen |= {place: _in_text(texts[place], numbers[place], plant) for place in texts}
        found.append({place: [sum(map(test, plant.values)), sum(map(test, plant.others))] for place, test in seen.items()})
    return found


def _column(values: pa.Array) -> np.ndarray:
    """Different values: texts, or float64 as `Plant` has them."""
    values = values.drop_null()
    if pa.types.is_string(values.type):
        return values.to_numpy(zero_copy_only=False)
    whole = values.cast(pa.int32()) if pa.types.is_date(values.type) else values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values
    return np.sort(whole.to_numpy(zero_copy_only=False).astype(np.float64))


def _in_column(values: np.ndarray, plant: Plant) -> Callable[[str | float], bool]:
    if values.dtype == object:
        texts = "\n".join(map(str, values))
        return lambda value: str(value) in texts
    return lambda value: _near(values, float(value), plant.half * 0.99)


def _in_text(text: str, numbers: np.ndarray, plant: Plant) -> Callable[[str | float], bool]:
    def there(value: str | float) -> bool:
        if isinstance(value, str):
            return value in text
        return _near(numbers, value, plant.half) or any(date in text for date in _dates(value, plant))

    return there


def _near(ascending: np.ndarray, value: float, half: float) -> bool:
    at = np.searchsorted(ascending, [value - half, value + half])
    return bool(np.searchsorted(ascending, value + half, side="right") > at[0])


def _dates(value: float, plant: Plant) -> list[str]:
    if "date" not in plant.what and plant.column != "billed":
        return []
    moment = datetime(1970, 1, 1) + (timedelta(days=value) if plant.half < 1 else timedelta(microseconds=value))
    return [moment.strftime("%Y-%m-%d")] if plant.half < 1 else [moment.strftime("%Y-%m-%d %H:%M"), moment.isoformat()]


def _lines(plants: list[Plant], found: list[dict[str, list[int]]]) -> Iterator[str]:
    yield f"{'kind':<22}{'planted':>8}" + "".join(f"{place:>12}" for place in PLACES)
    whole = [("all", list(zip(plants, found, strict=True)))]
    for what in dict.fromkeys(plant.what for plant in plants):
        whole.insert(-1, (what, [pair for pair in whole[-1][1] if pair[0].what == what]))
    for what, pairs in whole:
        sums = {place: np.sum([told[place] for _, told in pairs], axis=0) for place in PLACES}
        yield f"{what:<22}{sum(len(p.values) for p, _ in pairs):>8}" + "".join(f"{f'{a} / {b}':>12}" for a, b in sums.values())
    worse = [(p, told) for p, told in whole[-1][1] if max(told[place][0] - told[place][1] for place in PLACES) > 0]
    for plant, told in worse:
        yield f"  {plant.table}.{plant.column} ({plant.what}): " + ", ".join(f"{place} {told[place][0]} / {told[place][1]}" for place in PLACES)


if __name__ == "__main__":
    main()
