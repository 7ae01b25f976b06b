"""Calls that go on where an earlier process ended: what makes a call the same, and the folder that its finished parts are kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import SynthoHiveError
from ..events import RESUMED, get_logger
from ..spec.fitted import FittedSchema
from ..storage.artifacts import fingerprint
from ..storage.checkpoints import Checkpoints, call_name
from ..storage.folders import Folder
from ..storage.journal import KeptRun, RunInfo
from ..storage.manifest import package_version
from ..storage.targets import absolute_path
from .fit import FitRun

RUN = "run.json"


def check_resumable(call: str, error: type[SynthoHiveError], **needed: object) -> None:
    """Refuse a call whose next one could not go on with it.

    Args:
        call: as users write it, `fit(resume=True)`.
        needed: what must be given, by the way to give it.

    Raises:
        SynthoHiveError: of the class `error`, with all that is missing.
    """
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        raise error(f"{call} goes on only with what an earlier call with the same arguments has left: give it {' and '.join(missing)}, the same each time")


def kept_fit(work_dir: str, asked: FitRun) -> Checkpoints:
    """The finished parts of a fit: of the same metadata, settings, seed and package, and of data with the same forms and numbers of rows and children."""
    depends: dict[str, Any] = {
        "package": package_version(),
        "metadata": asked.metadata.model_dump(mode="json"),
        "plan": {name: program.model_dump(mode="json") for name, program in asked.plan.programs.items()},
        "references": asked.plan.references,
        "forms": {name: form.model_dump(mode="json") for name, form in asked.forms.items()},
        "layouts": {name: [column.model_dump(mode="json") for column in layout] for name, layout in asked.layouts.items()},
        "models": dict(asked.models),
        "config": asked.config.model_dump(mode="json"),
        "seed": asked.seed,
    }
    return _kept(work_dir, "fit", depends)


def kept_sample(work_dir: str, fitted: FittedSchema, asked: Mapping[str, object]) -> Checkpoints:
    """The finished parts of a sample: of the same learnt schema, package and arguments."""
    return _kept(work_dir, "sample", {"package": package_version(), "model": fingerprint(fitted), **asked})


def run_of(kept: Checkpoints | None, fresh: RunInfo) -> RunInfo:
    """The run that is to be resumed, else the fresh one."""
    earlier = None if kept is None else kept.kept(RUN, KeptRun)
    return fresh if earlier is None else replace(fresh, run=earlier.run)


def keep_run(kept: Checkpoints, run: str) -> None:
    """From now on this run is the one to be resumed."""
    kept.keep(RUN, KeptRun(run=run))


def _kept(work_dir: str, word: str, asked: Mapping[str, object]) -> Checkpoints:
    kept = Checkpoints(Folder.open(absolute_path(work_dir)).below(call_name(word, asked)))
    if kept.is_begun:
        get_logger(__name__).info(RESUMED, call=word, folder=kept.url)
    return kept
