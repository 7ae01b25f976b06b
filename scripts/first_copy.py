"""Run the first copy of a README (`first_copy.py README.md`) on two small tables below `lake/` of the current folder, as it is written there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def lay_out(lake: Path) -> None:
    """Customers and their orders, as Parquet."""
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"customer_id": np.arange(200), "country": rng.choice(["de", "fr"], 200)})
    orders = pd.DataFrame({"order_id": np.arange(600), "customer_id": rng.choice(200, 600), "total": rng.gamma(2, 20, 600).round(2)})
    for name, frame in {"customers": customers, "orders": orders}.items():
        (lake / name).mkdir(parents=True)
        frame.to_parquet(lake / name / "part-0.parquet")


def main(readme: str) -> None:
    """Lay the data out, run the README's first block of Python, look at what came of it."""
    lay_out(Path("lake"))
    example = re.findall(r"```python\n(.*?)```", Path(readme).read_text(encoding="utf-8"), re.DOTALL)[0]
    # Data of so few rows, learnt in a minute: that the calls work is looked at, not how good the copy is.
    example = re.sub(r"^report\.check\(.*$", "", example, flags=re.MULTILINE)
    scope: dict[str, object] = {}
    exec(compile(example, readme, "exec"), scope)
    made = [path for path in ("models/shop/manifest.json", "synthetic/shop/orders/_delta_log", "report.html") if Path(path).exists()]
    if len(made) < 3:
        raise SystemExit(f"the first copy left only {made}")


if __name__ == "__main__":
    main(*sys.argv[1:])
