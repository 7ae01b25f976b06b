"""Hostile inputs by the thousand: values to put where others are expected, ways to damage a tree or a file, and a watch on what a case does.

A case is a function of its number, so that one which fails can be run alone: `FUZZ_FIRST=4711 FUZZ=1`.
"""

from __future__ import annotations

import copy
import json
import os
import random
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

from synthohive_spark.errors import SynthoHiveError

FIRST, CASES = int(os.environ.get("FUZZ_FIRST", "0")), int(os.environ.get("FUZZ", "200"))
SECONDS = 10  # of a case: most take a few milliseconds
MEMORY = 1 << 30  # bytes that a case may map beside what the process has
TOLD = 20  # failures of a run that are shown

DEEP = 3_000  # levels of nesting: past what Python's own stack takes
ODD_JSON: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 10**12, -(10**12), 2**63, 10**25, 10**400, 1e308, -1e308, 1e-320, 0.5, float("nan"), float("inf")),
    *("", " ", "a", "id", "../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\\b", "file:///etc/passwd", "\x00", "\x1f", "\ud800", "ü\u2028", "`", "a.b"),
    *("x" * 300, "9" * 6_000, "1e999", "nan", "0x10", "%s%n{0}", "${HOME}", "__class__", "'; DROP TABLE x; --", "1970-01-01", "9999-12-31T23:59:60", "(((("),
    *([], {}, [[]], [None], {"": None}, {"a": {}}, [1, "a", None], [[1, 2], [3]], ["x"] * 50, {"__proto__": 1}, {"kind": "draw"}),
)
ODD_PYTHON: tuple[Any, ...] = (
    *ODD_JSON,
    *(b"bytes", (1, 2), {1, 2}, object(), 1j, Decimal("NaN"), Decimal("1E+1000000"), Decimal("sNaN"), range(3), len, int, lambda: None),
    *(date.min, date.max, datetime.max, datetime.min, 10**5_000, -(10**4_400), {1: 2}, {(1,): 2}, {None: 1}, frozenset({1}), "\udcff"),
)


def nested(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except RecursionError:  # what was put in before; itself it would be part of a circle
        return []


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Each container of the tree with a key or index in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            found.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    return found


def damaged(tree: Any, rng: random.Random, odd: tuple[Any, ...] = ODD_JSON) -> Any:
    """A copy of a tree of dicts and lists, wrong in one to four places."""
    tree = _copied(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        spots = places(tree)
        if not spots:
            return _odd(rng, odd)
        _damage(spots, *rng.choice(spots), rng, odd)
    return tree if rng.random() > 0.01 else _odd(rng, odd)


def _damage(spots: list[tuple[Any, Any]], node: Any, key: Any, rng: random.Random, odd: tuple[Any, ...]) -> None:
    way = rng.randrange(8)
    if way == 0:
        del node[key]
    elif way == 1 and isinstance(node, dict):
        node[_name(rng)] = _odd(rng, odd)
    elif way == 1:
        node.insert(key, _odd(rng, odd))
    elif way == 2 and isinstance(node, dict):
        node[_name(rng)] = node.pop(key)
    elif way == 3:  # what stands elsewhere: of the right kind, in the wrong place
        other, place = rng.choice(spots)
        if place in other if isinstance(other, dict) else place < len(other):
            node[key] = _copied(other[place])
    elif way == 4 and isinstance(node[key], int | float) and not isinstance(node[key], bool):
        node[key] = rng.choice((node[key] * 10**9, -node[key], node[key] + 1, hex(int(node[key])) if -1e300 < node[key] < 1e300 else "inf"))
    elif way == 5 and rng.random() < 0.1:
        node[key] = nested(DEEP)
    else:
        node[key] = _odd(rng, odd)


def _odd(rng: random.Random, odd: tuple[Any, ...]) -> Any:
    """A copy: what is put in may be damaged next."""
    return _copied(rng.choice(odd))


def _name(rng: random.Random) -> Any:
    return rng.choice([v for v in ODD_JSON if isinstance(v, str)])


def cut_up(raw: bytes, rng: random.Random) -> bytes:
    """The bytes of a file, wrong somewhere: flipped, cut, doubled, swapped with noise."""
    if not raw:
        return rng.randbytes(8)
    at, width = rng.randrange(len(raw)), rng.choice((1, 1, 4, 30))
    return rng.choice(
        (
            raw[:at],
            raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :],
            raw[:at] + rng.randbytes(width) + raw[at + width :],
            raw[:at] + raw[at + width :],
            raw[:at] + raw[at : at + width] * 3 + raw[at + width :],
            raw[:at] + rng.choice((b"\x00", b"\xff\xfe", b"[" * DEEP, b"{" * DEEP, b'"', b"9" * 5_000, b"\xed\xa0\x80")) + raw[at:],
        )
    )


def as_json(tree: Any) -> str:
    """JSON with what Python's parser takes beside it: NaN, and lone surrogates. Nesting that the writer cannot take becomes text."""
    try:
        return json.dumps(tree)
    except RecursionError:
        return '{"tables": ' + "[" * DEEP + "]" * DEEP + "}"


@dataclass
class _Watch:
    """What an audit hook sees while a case runs: a hook can never be taken away, so there is one, and it is told when to look."""

    inside: Path | None = None
    seen: list[str] = field(default_factory=list)

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.inside is None:
            return
        if event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "os.fork", "pickle.find_class", "socket.connect", "ctypes.dlopen"):
            self.seen.append(event)
        elif event in ("os.remove", "os.rmdir", "os.rename", "os.mkdir", "shutil.rmtree", "os.symlink", "os.link"):
            self._path(event, arguments[0])
        elif event == "open" and isinstance(arguments[0], str | bytes):
            # Reading modules of Python is not leaving the folder: some are imported when they are first needed.
            name, flags = os.fsdecode(arguments[0]), arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or not name.startswith((sys.prefix, sys.base_prefix, "/usr", "/proc/self", str(_PACKAGE))):
                self._path(event, name)

    def _path(self, event: str, name: Any) -> None:
        path = os.path.realpath(os.fsdecode(name)) if isinstance(name, str | bytes | os.PathLike) else ""
        if path and self.inside is not None and not Path(path).is_relative_to(self.inside):
            self.seen.append(f"{event} {path}")


_PACKAGE = Path(__file__).resolve().parents[2]
_WATCH = _Watch()
sys.addaudithook(_WATCH.look)


def _late(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"longer than {SECONDS} s")


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Bounded in time and memory; an `AssertionError` where code was run or another folder touched."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, _late)
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    _WATCH.seen, _WATCH.inside = [], folder.resolve()
    try:
        yield
    finally:
        _WATCH.inside = None
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, limits)
    if _WATCH.seen:
        raise AssertionError(f"a case did what none may: {_WATCH.seen[:3]}")


def run_cases(case: Callable[[random.Random], Any], folder: Path, *, purpose: str) -> None:
    """Run all cases; each succeeds or ends in an error of ours.

    Raises:
        AssertionError: with a line per kind of other ending, each with the number of a case.
    """
    failures: dict[str, list[int]] = {}
    good = 0
    for number in range(FIRST, FIRST + CASES):
        rng = random.Random(f"{purpose} {number}")
        try:
            with warnings.catch_warnings(), watched(folder):
                warnings.simplefilter("ignore")
                case(rng)
            good += 1
        except SynthoHiveError as error:
            if not str(error).strip():
                failures.setdefault("an error without a word", []).append(number)
        except BaseException as error:  # a hang and a lack of memory are what is sought here
            if isinstance(error, KeyboardInterrupt):
                raise
            failures.setdefault(_where(error), []).append(number)
    lines = [f"{len(numbers)} x {kind} (case {numbers[0]})" for kind, numbers in sorted(failures.items(), key=lambda f: -len(f[1]))]
    assert not lines, f"{sum(map(len, failures.values()))} of {CASES} cases of {purpose}:\n" + "\n".join(lines[:TOLD])
    assert CASES < 100 or 0 < good < CASES, f"{good} of {CASES} cases of {purpose} succeeded: they try nothing"


def _where(error: BaseException) -> str:
    """The kind of a failure: the class, and the last line of ours in its traceback."""
    frame, ours = error.__traceback__, ""
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        ours = f"{name.rpartition('synthohive_spark/')[2]}:{frame.tb_lineno}" if "/synthohive_spark/" in name and "tests" not in name else ours
        frame = frame.tb_next
    return f"{type(error).__name__} at {ours or 'the test'}: {str(error)[:160]!r}"
