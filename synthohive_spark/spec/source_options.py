"""The options of `spark.read.format("synthohive")`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..errors import SchemaError
from .base import Spec

_TRUTH = {"true": True, "false": False}
_LEAST = {"seed": None, "rows": 0, "partitions": 1}


class SourceOptions(Spec):
    """What is asked of the data source.

    Attributes:
        model: where the model was saved (`path` is another name for it, so that `load(path)` works).
        table: the table to read.
        seed: as of `sample`. Without one it is 0, and not drawn: Spark plans a query anew for each action, which must see the same rows.
        scale: rows of the root of the table's chain of parents, as a multiple of its real number.
        rows: rows of that root, which is the table itself where no other drives it; instead of `scale`.
        partitions: tasks of a read, at most; 200 where None.
        strict: refuse where keys have no room for the rows asked for.
        verify: refuse a model that is not signed, as `Synthesizer.load(verify=True)`; the key must be in the driver's environment.
    """

    model: str
    table: str
    seed: int = 0
    scale: float = 1.0
    rows: int | None = None
    partitions: int | None = None
    strict: bool = False
    verify: bool = False

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> SourceOptions:
        """From what Spark hands over: names in any capitals, values as text.

        Raises:
            SchemaError: with all faults.
        """
        given = {name.lower(): str(value) for name, value in options.items()}
        if "path" in given:
            given.setdefault("model", given["path"])
            given.pop("path")
        faults = [f"the option {name!r} is not known; there are {', '.join(cls.model_fields)}" for name in sorted(set(given) - set(cls.model_fields))]
        faults += [f"the option {name!r} is missing" for name in ("model", "table") if not given.get(name)]
        faults += [fault for name, least in _LEAST.items() if (fault := _whole_fault(name, given.get(name), least))]
        if "scale" in given and not _is_above_zero(given["scale"]):
            faults.append(f"the option 'scale' must be a number above 0, got {given['scale']!r}")
        if "scale" in given and "rows" in given:
            faults.append("the options 'scale' and 'rows' exclude each other")
        switches = {name: given[name] for name in ("strict", "verify") if name in given}
        faults += [f"the option {name!r} must be true or false, got {value!r}" for name, value in switches.items() if value.lower() not in _TRUTH]
        if faults:
            raise SchemaError("; ".join(faults))
        return cls.model_validate(given | {name: _TRUTH[value.lower()] for name, value in switches.items()}, strict=False)


def _whole_fault(name: str, value: str | None, least: int | None) -> str | None:
    if value is None:
        return None
    try:
        number = int(value)
        fits = least is None or number >= least
    except ValueError:
        fits = False
    return None if fits else f"the option {name!r} must be a whole number{'' if least is None else f' of {least} or more'}, got {value!r}"


def _is_above_zero(value: str) -> bool:
    try:
        return 0 < float(value) < math.inf
    except ValueError:
        return False
