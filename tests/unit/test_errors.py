"""The exceptions: which builtins they are, what they hold, and how foreign errors are wrapped."""

from __future__ import annotations

import pickle

import pytest

from synthohive_spark import errors
from synthohive_spark.errors import GenerationError, SchemaError, SchemaValidationError, SynthoHiveError, TrainingError, raises


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("SchemaError", ValueError),
        ("SchemaValidationError", ValueError),
        ("TrainingError", RuntimeError),
        ("GenerationError", RuntimeError),
        ("SerializationError", ValueError),
        ("ConstraintViolationError", ValueError),
        ("PrivacyError", ValueError),
        ("QualityError", ValueError),
        ("MissingDependencyError", ImportError),
    ],
)
def test_hierarchy(name: str, builtin: type[Exception]) -> None:
    assert issubclass(getattr(errors, name), SynthoHiveError)
    assert issubclass(getattr(errors, name), builtin)


def test_all_faults_are_numbered_and_kept() -> None:
    error = SchemaValidationError(f for f in ("first", "second"))
    assert error.faults == ("first", "second")
    assert str(error) == "2 faults in the schema:\n  1. first\n  2. second"
    assert str(SchemaValidationError(["one"])).startswith("1 fault in")
    assert isinstance(error, SchemaError)


def test_faults_survive_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(SchemaValidationError(["first", "second"])))
    assert error.faults == ("first", "second")


@raises(TrainingError, "fitting")
def work(what: str, *, times: int = 1) -> str:
    """Doc."""
    if what == "foreign":
        raise KeyError("SECRET CELL")
    if what == "ours":
        raise GenerationError("as it was")
    if what == "stop":
        raise KeyboardInterrupt
    return what * times


def test_foreign_errors_are_wrapped_with_their_cause_and_without_their_text() -> None:
    with pytest.raises(TrainingError, match=r"fitting failed: KeyError at tests/unit/test_errors.py:\d+ \(work\)") as error:
        work("foreign")
    assert isinstance(error.value.__cause__, KeyError)
    assert "SECRET" not in str(error.value)


def test_our_errors_and_interrupts_pass() -> None:
    with pytest.raises(GenerationError, match="as it was"):
        work("ours")
    with pytest.raises(KeyboardInterrupt):
        work("stop")


def test_a_wrong_call_stays_a_type_error() -> None:
    with pytest.raises(TypeError, match="epochs"):
        work("x", epochs=3)  # type: ignore[call-arg]


def test_results_and_names_pass() -> None:
    assert work("ab", times=2) == "abab"
    assert work.__name__ == "work" and work.__doc__ == "Doc."
