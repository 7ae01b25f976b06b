"""Findings as JSON, as a self-contained HTML page, and as a few lines for a terminal; and limits for pipelines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any

import fsspec
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from .errors import QualityError
from .report_check import shortfalls
from .report_figures import trend_figures
from .report_notebook import notebook_html
from .report_relations import number
from .report_verdict import lines_of, verdict_on
from .report_view import page
from .spec.figures import Figure
from .spec.findings import Findings

FORMATS = (".html", ".json")
_SHOWN_FAULTS = 5


@dataclass(frozen=True, repr=False)
class Report:
    """What `validate` found, in forms to read.

    Attributes:
        findings: the numbers.
        title: heading of the page; the name of the dataset.
    """

    findings: Findings
    title: str = "Synthetic data report"

    def __repr__(self) -> str:
        """The verdict in about ten lines: what to trust, what not, the worst cases."""
        return "\n".join(lines_of(verdict_on(self.findings)))

    def _repr_html_(self) -> str:
        """For notebooks: the verdict, its figures, and the whole page folded below."""
        return notebook_html(self.findings, self.to_html())

    def check(
        self,
        *,
        min_shapes: float | None = None,
        min_pairs: float | None = None,
        min_parent_pairs: float | None = None,
        min_cardinality: float | None = None,
        min_siblings: float | None = None,
        min_sequence: float | None = None,
        min_paths: float | None = None,
        max_c2st: float | None = None,
        max_c2st_parent: float | None = None,
        max_c2st_agg: float | None = None,
        min_tstr: float | None = None,
        max_nearness: float | None = None,
        max_membership: float | None = None,
        min_distance: float | None = None,
        min_originality: float | None = None,
        max_faults: int = 0,
    ) -> None:
        """Refuse a copy that is not good enough, in a pipeline.

        A figure for which there is nothing to compare (no keys, too few rows) falls short of nothing.

        Args:
            min_shapes: least score of the columns, in [0, 1]; and so on for the other figures. None asks for nothing.
            max_c2st: greatest AUC of the classifier, of which 0.5 is best.
            min_tstr: least score, on real rows, of models that learnt on synthetic ones, where `target` named columns.
            max_nearness: greatest share of rows that are nearer to those that trained than to as many that did not; 0.5 is right.
            max_membership: greatest AUC of a guess which real rows trained; 0.5 is right.
            min_distance: least 5 % quantile of the distances to real rows, in that of real rows to each other.
            min_originality: least share of rows that are no real row again.
            max_faults: kinds of broken keys that are borne.

        Raises:
            QualityError: with every figure that falls short, and its worst case.
            ValueError: a limit is no number from 0 to 1.
        """
        asked = {
            "shapes": min_shapes,
            "pairs": min_pairs,
            "parent_pairs": min_parent_pairs,
            "cardinality": min_cardinality,
            "siblings": min_siblings,
            "sequence": min_sequence,
            "paths": min_paths,
            "c2st": max_c2st,
            "c2st_parent": max_c2st_parent,
            "c2st_agg": max_c2st_agg,
            "tstr": min_tstr,
            "nearness": max_nearness,
            "membership": max_membership,
            "distance": min_distance,
            "originality": min_originality,
        }
        short = shortfalls(self.findings, {name: limit for name, limit in asked.items() if limit is not None}, max_faults)
        if short:
            raise QualityError(short)

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain data, with the broken keys under `faults` and the headline figures under `figures`."""
        figures = {name: figure.model_dump(mode="json") for name, figure in self.findings.figures.items()}
        return {"title": self.title, "faults": list(self.findings.faults), "figures": figures, **self.findings.model_dump(mode="json")}

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def to_frame(self) -> pd.DataFrame:
        """The figures as rows to append to a table, for trends: of the whole (`table` and `what` are empty), of each table, each key and each path.

        `spark.createDataFrame(report.to_frame()).write.format("delta").mode("append").saveAsTable("quality")`

        Returns:
            Columns `made` (UTC), `title`, `figure`, `table`, `what`, `value`, `ceiling`, `floor`, `grade`.
        """
        made, rows = datetime.now(timezone.utc).replace(tzinfo=None), list[dict[str, Any]]()
        for table, what, figure in trend_figures(self.findings):
            numbers = {name: getattr(figure, name) for name in ("value", "ceiling", "floor")}
            rows.append({"made": made, "title": self.title, "figure": figure.name, "table": table, "what": what, **numbers, "grade": figure.grade})
        return pd.DataFrame(rows).astype(dict.fromkeys(("value", "ceiling", "floor"), "float64"))

    def to_html(self) -> str:
        """One page that needs nothing from outside: no script, no font, no image."""
        environment = Environment(loader=PackageLoader("synthohive_spark"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        made = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        return environment.get_template("report.html.j2").render(page(self.findings, self.title, made))

    def save(self, path: str | PurePath) -> tuple[str, ...]:
        """Write the report.

        Args:
            path: ends in `.html` or `.json` for one of them; a folder that exists, or a path that ends in `/`, gets `report.html` and `report.json`; anything
                else is a stem that gets both suffixes. Any file system that fsspec knows; what is there is replaced.

        Returns:
            The paths written.

        Raises:
            OSError: the place cannot be written.
        """
        target = str(path)
        if target.lower().endswith(FORMATS):
            return (self._write(target),)
        fs, inner = fsspec.core.url_to_fs(target)
        stem = target.rstrip("/") + "/report" if target.endswith("/") or fs.isdir(inner) else target
        return tuple(self._write(stem + suffix) for suffix in FORMATS)

    def summary(self) -> str:
        """A few aligned lines: every figure with its ceiling and its floor, the rules, and the faults."""
        f = self.findings
        width = max(map(len, f.figures))
        lines = [_line(figure, width) for figure in f.figures.values()]
        lines += [f"{'rules':<{width}} {f.rules_held:>6}   of {len(f.rules)} hold on all rows"] if f.rules else []
        lines.append(f"{'faults':<{width}} {len(f.faults):>6}")
        lines += [f"  {fault}" for fault in f.faults[:_SHOWN_FAULTS]]
        if len(f.faults) > _SHOWN_FAULTS:
            lines.append(f"  and {len(f.faults) - _SHOWN_FAULTS} more")
        return "\n".join(lines)

    def _write(self, target: str) -> str:
        text = self.to_json() if target.lower().endswith(".json") else self.to_html()
        fs, inner = fsspec.core.url_to_fs(target)
        parent = fs._parent(inner)
        if parent:
            fs.makedirs(parent, exist_ok=True)
        with fs.open(inner, "wb") as file:
            file.write(text.encode("utf-8"))
        return target


def _line(figure: Figure, width: int) -> str:
    floor = "" if figure.floor is None else f"   floor {number(figure.floor):>6}"
    return f"{figure.name:<{width}} {number(figure.value):>6}   ceiling {number(figure.ceiling):>6}{floor}"
