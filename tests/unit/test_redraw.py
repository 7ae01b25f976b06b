"""Rows that break a check constraint: whether they can be drawn again, and what stays of the attempts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from synthohive_spark.kernels.models.autoregressive import Autoregressive
from synthohive_spark.kernels.models.ctgan import CTGAN
from synthohive_spark.stages.redraw import can_redraw
from synthohive_spark.stages.sample import SampleRun


@pytest.mark.parametrize(("model", "early", "can"), [(CTGAN, (1,), False), (CTGAN, (), True), (Autoregressive, (1,), True), (None, (1,), True)])
def test_a_model_that_draws_whole_rows_only_does_not_mix_two_of_them(model, early, can):
    plan = SimpleNamespace(row_model=model, fitted=SimpleNamespace(program=SimpleNamespace(early=early)))
    assert can_redraw(plan) is can


@pytest.mark.parametrize(("kept", "left"), [(None, ["again2", "drawn"]), ("checkpoints", ["again1", "again2", "drawn"])])
def test_an_attempt_goes_when_the_next_one_is_staged_unless_a_later_process_may_need_it(tmp_path, kept, left):
    def stage(data, table, word):
        (tmp_path / table / word).mkdir(parents=True)
        return data

    run = SimpleNamespace(staged=str(tmp_path), kept=kept, _stage=stage)
    stage(None, "t", "drawn")
    for word, before in (("again1", None), ("again2", "again1")):
        assert SampleRun._restage(run, "rows", "t", word, before) == "rows"
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == left
