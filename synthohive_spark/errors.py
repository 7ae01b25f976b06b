"""The exceptions that the public methods raise.

Each inherits from `SynthoHiveError` and from the builtin that a caller would expect. A message says where, what was
found, what was expected and what to do; it never holds a cell of real data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from .causes import failure

P = ParamSpec("P")
R = TypeVar("R")


class SynthoHiveError(Exception):
    """Anything that this package raises on purpose."""


class SchemaError(SynthoHiveError, ValueError):
    """The description of the tables, or what was passed for it, is wrong."""


class SchemaValidationError(SchemaError):
    """The data does not match its metadata.

    Args:
        faults: one sentence per fault, all that were found.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  {i}. {fault}" for i, fault in enumerate(self.faults, 1))
        noun = "fault" if len(self.faults) == 1 else "faults"
        super().__init__(f"{len(self.faults)} {noun} in the schema:\n{lines}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.faults,)


class TrainingError(SynthoHiveError, RuntimeError):
    """Fitting failed."""


class GenerationError(SynthoHiveError, RuntimeError):
    """Sampling, or writing what was sampled, failed."""


class SerializationError(SynthoHiveError, ValueError):
    """A saved model cannot be written or read."""


class ConstraintViolationError(SynthoHiveError, ValueError):
    """Generated data breaks a limit that the caller set."""


class QualityError(SynthoHiveError, ValueError):
    """Figures of a report fall short of what the caller asked for.

    Args:
        shortfalls: a sentence per figure, by its name.
    """

    def __init__(self, shortfalls: Mapping[str, str]) -> None:
        self.shortfalls = dict(shortfalls)
        lines = "\n".join(f"  {sentence}" for sentence in self.shortfalls.values())
        noun = "figure falls" if len(self.shortfalls) == 1 else "figures fall"
        super().__init__(f"{len(self.shortfalls)} {noun} short:\n{lines}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.shortfalls,)


class PrivacyError(SynthoHiveError, ValueError):
    """What was asked for would publish real values."""


class MissingDependencyError(SynthoHiveError, ImportError):
    """An optional package is needed and not installed."""


def raises(wrapper: type[SynthoHiveError], doing: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a public method: errors that are not ours leave it as `wrapper`, with the root cause in the message and the whole of it chained.

    A call whose arguments do not fit the method's signature stays the `TypeError` that Python makes of it.

    Args:
        wrapper: the class to raise.
        doing: what the method was doing, for the message ("fitting").
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        expected = signature(function)

        @wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            expected.bind(*args, **kwargs)
            try:
                return function(*args, **kwargs)
            except SynthoHiveError:
                raise
            except Exception as error:
                raise wrapper(failure(doing, error)) from error

        return wrapped

    return decorate
