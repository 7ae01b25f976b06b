"""Row models: found by registered name, restored from safetensors."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load

from ...errors import SchemaError, SerializationError
from ...spec.fitted import ModelSpec
from .autoregressive import Autoregressive
from .base import CodeLayout, ConditionalGenerativeModel
from .ctgan import CTGAN
from .independent import Independent

Model = TypeVar("Model", bound=type[ConditionalGenerativeModel])

CACHED_MODELS = 16  # of some MB each, per Python worker

_MODELS: dict[str, type[ConditionalGenerativeModel]] = {}


def register_model(cls: Model) -> Model:
    """Make `cls` known by its `name`; also a decorator. Executors know it where importing its module registers it.

    Raises:
        SchemaError: another class has that name.
    """
    held = _MODELS.setdefault(cls.name, cls)
    if (held.__module__, held.__qualname__) != (cls.__module__, cls.__qualname__):
        raise SchemaError(f"model {cls.name!r} is {held.__module__}.{held.__qualname__} already; give {cls.__qualname__} another name")
    _MODELS[cls.name] = cls
    return cls


def model_class(name: str) -> type[ConditionalGenerativeModel]:
    """The model registered as `name`.

    Raises:
        SchemaError: there is none.
    """
    if name not in _MODELS:
        raise SchemaError(f"model {name!r} is not known; there are {', '.join(sorted(_MODELS))}, or register your own with register_model")
    return _MODELS[name]


register_model(Autoregressive)
register_model(CTGAN)
register_model(Independent)


def restore_model(spec: ModelSpec, weights_bytes: bytes, marginals: tuple[tuple[float, ...], ...]) -> ConditionalGenerativeModel:
    """A model that is ready to sample. The same arguments give the same object within a process.

    Args:
        spec: its name, settings and columns.
        weights_bytes: its state in safetensors form.
        marginals: share of the real rows per code, per drawn column.

    Raises:
        SchemaError: no model has that name.
        SerializationError: the weights are damaged or belong to another model.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (spec.model_dump_json().encode(), repr(marginals).encode(), weights_bytes):
        digest.update(len(part).to_bytes(8, "big") + part)
    return _restored(_Request(digest.hexdigest(), spec, weights_bytes, marginals))


class _Request:
    """Equal by digest, so that the cache neither hashes nor compares megabytes."""

    def __init__(self, digest: str, spec: ModelSpec, weights: bytes, marginals: tuple[tuple[float, ...], ...]) -> None:
        self.digest, self.spec, self.weights, self.marginals = digest, spec, weights, marginals

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Request) and other.digest == self.digest


@lru_cache(maxsize=CACHED_MODELS)
def _restored(request: _Request) -> ConditionalGenerativeModel:
    spec = request.spec
    weights = tuple(np.asarray(w, dtype=np.float64) for w in request.marginals)
    model = model_class(spec.name)(CodeLayout(row=spec.row, context=spec.context, weights=weights), spec.settings)
    try:
        model.load_state(load(request.weights))
    except (SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise SerializationError(f"model {spec.name!r}: its weights are damaged or belong to other columns ({type(error).__name__})") from error
    return model
