"""Findings as JSON, as a self-contained HTML page, and as a few lines for a terminal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any

import fsspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from .report_view import format_score, page
from .spec.findings import Findings

FORMATS = (".html", ".json")
_SHOWN_FAULTS = 5


@dataclass(frozen=True)
class Report:
    """What `validate` found, in forms to read.

    Attributes:
        findings: the numbers.
        title: heading of the page; the name of the dataset.
    """

    findings: Findings
    title: str = "Synthetic data report"

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain data, with the broken keys under `faults`."""
        return {"title": self.title, "faults": list(self.findings.faults), **self.findings.model_dump(mode="json")}

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

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
        """A few aligned lines: the headline scores with their ceilings, the floor of the pairs, and the faults."""
        f = self.findings
        scores = [("shapes", f.shapes, f.shapes_ceiling), ("pairs", f.pairs, f.pairs_ceiling), ("cardinality", f.cardinality, f.cardinality_ceiling)]
        lines = [f"{name:<12} {format_score(value):>6}   ceiling {format_score(ceiling):>6}" for name, value, ceiling in scores]
        lines[1] += f"   floor {format_score(f.pairs_floor):>6}"
        lines += [f"{'rules':<12} {f.rules_held:>6}   of {len(f.rules)} hold on all rows"] if f.rules else []
        lines.append(f"{'faults':<12} {len(f.faults):>6}")
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
