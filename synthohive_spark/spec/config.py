"""Settings of a run. Every number has a reason; none is tuned to one dataset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from .base import Spec
from .spelling import spelt


class EncodingConfig(Spec):
    """How columns become codes.

    Attributes:
        sample_rows: rows of a table that its encodings see (categories are counted over all rows). Quantiles of 100,000 rows are off by 0.3 % at most.
        max_codes: codes of one column; past that categories share a code, and the model's width stays bounded.
        bins: codes for the continuous part of a number.
        min_category_rows: a text value seen fewer times is never reproduced; 3 is the usual minimum frequency of statistical disclosure control.
    """

    sample_rows: int = Field(default=100_000, ge=100)
    max_codes: int = Field(default=128, ge=8)
    bins: int = Field(default=50, ge=2)
    min_category_rows: int = Field(default=3, ge=1)


class TrainingConfig(Spec):
    """How row models are trained.

    Attributes:
        epochs: passes over the training sample, at most; None lets the model choose by the number of rows.
        batch_size: rows per step; None lets the model choose.
        sample_rows: rows of a table that its model sees: a seeded sample by row hash, the same under any partitioning.
        holdout: share of them held out to choose the best state.
        evaluations: how often a training run is scored on the held-out rows.
        backend: `local` trains each table in one task on an executor; `torch_distributor` and
            `horovod` (where it is built, `make horovod`) train each table on `num_workers` of them.
        num_workers: ranks of `torch_distributor`.
        settings: of the model (its own keyword arguments); where tables have different models, those of one below its name: `{"ctgan": {"hidden": 64}}`.
    """

    epochs: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=10)
    sample_rows: int = Field(default=200_000, ge=100)
    holdout: float = Field(default=0.1, gt=0, lt=0.5)
    evaluations: int = Field(default=20, ge=1)
    backend: Literal["local", "torch_distributor", "horovod"] = "local"
    num_workers: int = Field(default=2, ge=1)
    settings: dict[str, Any] = Field(default_factory=dict)


class FitConfig(Spec):
    """Everything that `fit` can be told beside the data.

    Attributes:
        siblings: whether rows of one parent may see those before them, in tables where held-out rows say that it pays.
        partners: whether rows find partners that suit them among the rows of their other parents; else any, as the numbers of children say.
        exact_dependencies: whether columns that others determine are found and kept exact; per table where a mapping, and on for tables left out of it.
    """

    encoding: EncodingConfig = EncodingConfig()
    training: TrainingConfig = TrainingConfig()
    legacy_context_conditioning: bool = False
    siblings: bool = True
    partners: bool = True
    exact_dependencies: bool | dict[str, bool] = True

    def spelt_for(self, tables: Iterable[str]) -> FitConfig:
        """The same with the names of tables spelt as theirs."""
        if isinstance(self.exact_dependencies, bool):
            return self
        tables = list(tables)
        return self.model_copy(update={"exact_dependencies": {spelt(name, tables): on for name, on in self.exact_dependencies.items()}})

    def finds_dependencies(self, table: str) -> bool:
        """Whether exact dependencies of `table` are looked for."""
        return self.exact_dependencies if isinstance(self.exact_dependencies, bool) else self.exact_dependencies.get(table, True)
