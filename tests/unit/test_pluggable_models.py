"""Row models as names and classes: what is refused, all at once, and before anything is registered."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.torch import save

from synthohive_spark.errors import SchemaError
from synthohive_spark.kernels import models
from synthohive_spark.kernels.models import known_models, register_model, restore_model
from synthohive_spark.kernels.models.base import ConditionalGenerativeModel
from synthohive_spark.kernels.models.independent import Independent
from synthohive_spark.spec.config import FitConfig, TrainingConfig
from synthohive_spark.spec.fitted import ModelSpec
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.stages.models import choose_models, model_settings

METADATA = Metadata().add_table("a", pk="id").add_table("b", pk="id")


class Mine(Independent):
    name = "mine"


class Strict(Independent):
    name = "strict"

    def __init__(self, layout, settings):
        super().__init__(layout, settings)
        if "colour" in settings:
            raise ValueError("no setting is called colour")


class Unfinished(ConditionalGenerativeModel):
    name = "unfinished"
    sees_siblings = True

    def sample(self, context, rng, given=None):
        return np.zeros((len(context), 0), dtype=np.int64)


class Nameless(ConditionalGenerativeModel):
    def training_step(self, rows, context, reduce):
        return {}

    sample = state = load_state = training_step


class Thief(Independent):
    name = "ctgan"


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_MODELS", dict(models._MODELS))


def test_names_and_classes_per_table() -> None:
    assert choose_models(METADATA, "independent", FitConfig()) == {"a": "independent", "b": "independent"}
    assert choose_models(METADATA, {"B": Mine}, FitConfig()) == choose_models(METADATA, {"b": Mine}, FitConfig()) == {"a": "ctgan", "b": "mine"}
    assert choose_models(METADATA, Mine, FitConfig()) == {"a": "mine", "b": "mine"}
    assert choose_models(METADATA, "mine", FitConfig())["a"] == "mine"  # a class that was passed is registered


def test_all_faults_come_in_one_error_and_nothing_is_registered() -> None:
    before = known_models()
    choice = {"a": Mine, "b": Unfinished, "c": Nameless, "d": Thief, "e": dict, "f": "gpt", "g": 5}
    with pytest.raises(SchemaError) as caught:
        choose_models(METADATA, choice, FitConfig())
    for part in (
        "no tables named ['c', 'd', 'e', 'f', 'g']",
        "Unfinished does not implement load_state, state, training_step",
        "Unfinished has sees_siblings and does not implement memory, forget_siblings",
        "Nameless has no name",
        "Thief: the name 'ctgan' is that of synthohive_spark.kernels.models.ctgan.CTGAN",
        "class dict is no row model",
        "'gpt' is not registered; there are",
        "int object is no class",
    ):
        assert part in str(caught.value)
    assert known_models() == before


def test_an_instance_and_two_classes_of_one_name_are_refused() -> None:
    with pytest.raises(SchemaError, match="not an instance"):
        choose_models(METADATA, {"a": Independent.__new__(Independent)}, FitConfig())  # type: ignore[dict-item]
    with pytest.raises(SchemaError, match="Mine, Other all have the name 'mine'"):
        choose_models(METADATA, {"a": Mine, "b": type("Other", (Independent,), {"name": "mine"})}, FitConfig())


@pytest.mark.parametrize("model", [Strict, "ctgan", {"b": Strict}])
def test_settings_are_tried_early(model: object) -> None:
    config = FitConfig(training=TrainingConfig(settings={"colour": 1}))
    with pytest.raises(SchemaError, match="cannot be built with settings={'colour': 1}: ValueError: .*colour"):
        choose_models(METADATA, model, config)  # type: ignore[arg-type]


def test_a_class_written_anew_replaces_the_old_one_and_its_restored_models() -> None:
    first, second = (type("Cell", (Independent,), {"name": "cell", "version": v}) for v in (1, 2))
    spec, marginals = ModelSpec(name="cell", row=(2,), context=()), ((0.5, 0.5),)
    register_model(first)
    old = restore_model(spec, save({}), marginals)
    register_model(second)
    assert type(old) is first and type(restore_model(spec, save({}), marginals)) is second
    assert type(restore_model(spec, save({}), marginals, first)) is first


def test_settings_can_differ_per_model() -> None:
    settings = {"independent": {"copula": True}, "ctgan": {"hidden": 64}}
    config = FitConfig(training=TrainingConfig(settings=settings), legacy_context_conditioning=True)
    assert model_settings(config, "independent") == {"copula": True}
    assert model_settings(config, "ctgan") == {"hidden": 64, "legacy_context_conditioning": True}
    assert model_settings(config, "autoregressive") == {}
    metadata = Metadata().add_table("a").add_table("b").add_table("c")
    chosen = choose_models(metadata, {"a": "independent", "b": "ctgan", "c": "autoregressive"}, config)
    assert chosen == {"a": "independent", "b": "ctgan", "c": "autoregressive"}
