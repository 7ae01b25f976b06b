"""Row models: found by registered name or passed as a class, restored from safetensors."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load

from ...errors import SchemaError, SerializationError
from ...spec.fitted import ModelSpec
from .autoregressive import Autoregressive
from .base import CodeLayout, ConditionalGenerativeModel
from .ctgan import CTGAN
from .independent import Independent
from .tvae import TVAE

Model = TypeVar("Model", bound=type[ConditionalGenerativeModel])

CACHED_MODELS = 16  # of some MB each, per Python worker

ROOM, LEAST_ROOM = 16, 1 << 24  # bytes of a model per byte of its weights, and beside them: parts that only training needs are not saved

_MODELS: dict[str, type[ConditionalGenerativeModel]] = {}


def register_model(cls: Model) -> Model:
    """Make `cls` known by its `name` in this process; also a decorator. A class of the same module and name is replaced (a notebook cell that runs again).

    Raises:
        SchemaError: it is no complete row model, or another class has its name; with all faults.
    """
    faults = model_faults(cls)
    if faults:
        raise SchemaError("; ".join(faults))
    _MODELS[cls.name] = cls
    return cls


def model_faults(cls: object) -> list[str]:
    """Why `cls` cannot be a registered row model; empty where it can."""
    if not isinstance(cls, type):
        return [f"{type(cls).__name__} object is no class; pass a registered name or the class itself, not an instance"]
    label = f"class {cls.__qualname__}"
    if not issubclass(cls, ConditionalGenerativeModel):
        return [f"{label} is no row model; subclass ConditionalGenerativeModel"]
    faults = []
    if inspect.isabstract(cls):
        faults.append(f"{label} does not implement {', '.join(sorted(cls.__abstractmethods__))}")
    lacking = [m for m in ("memory", "forget_siblings") if getattr(cls, m) is getattr(ConditionalGenerativeModel, m)] if cls.sees_siblings else []
    if lacking:
        faults.append(f"{label} has sees_siblings and does not implement {', '.join(lacking)}")
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not name.strip():
        return [*faults, f'{label} has no name; give it one, such as name = "{cls.__name__.lower()}"']
    held = _MODELS.get(name, cls)
    if (held.__module__, held.__qualname__) != (cls.__module__, cls.__qualname__):
        faults.append(f"{label}: the name {name!r} is that of {held.__module__}.{held.__qualname__}; give it another name")
    return faults


def build_fault(cls: type[ConditionalGenerativeModel], settings: Mapping[str, Any]) -> str | None:
    """Why `cls` cannot be built with `settings`; None where it can. Tried on two columns and a context of one."""
    layout = CodeLayout(row=(2, 3), context=(3,), weights=(np.full(2, 1 / 2), np.full(3, 1 / 3)))
    try:
        with torch.random.fork_rng(devices=[]):  # parameters are drawn from the caller's generator
            cls(layout, settings)
    except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything
        return f"model {cls.name!r} cannot be built with settings={dict(settings)}: {type(error).__name__}: {error}"
    return None


def model_names(frames: Iterator[pd.DataFrame], *, models: Sequence[type[ConditionalGenerativeModel]]) -> Iterator[pd.DataFrame]:
    """For `mapInPandas`: whether the classes arrive where they are needed; one column `name`."""
    for _ in frames:
        yield pd.DataFrame({"name": [cls.name for cls in models]})


def model_class(name: str) -> type[ConditionalGenerativeModel]:
    """The model registered as `name`.

    Raises:
        SchemaError: there is none.
    """
    if name not in _MODELS:
        raise SchemaError(f"model {name!r} is not known; there are {', '.join(known_models())}, or pass a class of your own")
    return _MODELS[name]


def known_models() -> tuple[str, ...]:
    """The registered names, sorted."""
    return tuple(sorted(_MODELS))


register_model(Autoregressive)
register_model(CTGAN)
register_model(Independent)
register_model(TVAE)


def restore_model(
    spec: ModelSpec, weights_bytes: bytes, marginals: tuple[tuple[float, ...], ...], cls: type[ConditionalGenerativeModel] | None = None
) -> ConditionalGenerativeModel:
    """A model that is ready to sample. The same arguments give the same object within a process.

    Args:
        spec: its name, settings and columns.
        weights_bytes: its state in safetensors form.
        marginals: share of the real rows per code, per drawn column.
        cls: its class, which executors need where importing the package does not register it; None looks the name up.

    Raises:
        SchemaError: no model has that name.
        SerializationError: the weights are damaged or belong to another model.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (spec.model_dump_json().encode(), repr(marginals).encode(), weights_bytes):
        digest.update(len(part).to_bytes(8, "big") + part)
    return _restored(_Request(digest.hexdigest(), cls or model_class(spec.name), spec, weights_bytes, marginals))


class _Request:
    """Equal by digest and class, so that the cache neither hashes nor compares megabytes; a class that was written anew has its name but is another one."""

    def __init__(self, digest: str, cls: type[ConditionalGenerativeModel], spec: ModelSpec, weights: bytes, marginals: tuple[tuple[float, ...], ...]) -> None:
        self.digest, self.cls, self.spec, self.weights, self.marginals = digest, cls, spec, weights, marginals

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Request) and (other.digest, other.cls) == (self.digest, self.cls)


@lru_cache(maxsize=CACHED_MODELS)
def _restored(request: _Request) -> ConditionalGenerativeModel:
    spec, cls = request.spec, request.cls
    if spec.row != tuple(map(len, request.marginals)):
        raise SerializationError(f"model {spec.name!r} belongs to other columns: it draws {len(spec.row)}, and {len(request.marginals)} are asked of it")
    weights = tuple(np.asarray(w, dtype=np.float64) for w in request.marginals)
    layout = CodeLayout(row=spec.row, context=spec.context, weights=weights, siblings=spec.siblings, turns=spec.turns)
    try:
        _check_size(cls, layout, spec, len(request.weights))
        model = cls(layout, spec.settings)
        model.load_state(load(request.weights))
    except SerializationError:
        raise
    except Exception as error:  # a class may raise anything where settings and tensors are not its own
        raise SerializationError(f"model {spec.name!r}: its weights are damaged or belong to other columns ({type(error).__name__})") from error
    return model


def _check_size(cls: type[ConditionalGenerativeModel], layout: CodeLayout, spec: ModelSpec, held: int) -> None:
    """Refuse settings of which a model is made that is far larger than its weights, before it takes the memory.

    Args:
        held: bytes of the weights.

    Raises:
        SerializationError: they ask for more.
    """
    if cls.__module__.partition(".")[0] != __name__.partition(".")[0]:
        return  # a class of the user's need not know torch's device without memory
    with torch.device("meta"):
        needed = sum(p.numel() * p.element_size() for p in cls(layout, spec.settings).parameters())
    if needed > ROOM * held + LEAST_ROOM:
        raise SerializationError(
            f"model {spec.name!r}: its settings ask for {needed:,} bytes of weights, and there are {held:,}; restore it from a copy, or fit again"
        )
