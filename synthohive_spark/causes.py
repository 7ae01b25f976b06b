"""What went wrong at the bottom of an error, in words that can be shown.

The text of a foreign error can hold a cell of the real data (Spark's cast errors do, and many of pandas and pyarrow). Of those only what cannot is told: the
class, Spark's error condition, the place, and the text where it belongs to a kind that speaks of machines and files. Our own errors are told in full.

What a worker or the JVM raised reaches the driver as text, the same in a classic session and over Spark Connect, so it is read from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile
from traceback import extract_tb

_PACKAGE = __name__.partition(".")[0]
_FOLDERS = ("kernels", "spec", "stages", "storage")
_LIBRARY = re.compile(r".*/(?:(?:site|dist)-packages|pyspark\.zip|lib/python3[^/]*)/|^(?!/|[A-Za-z]:)")  # compiled modules have relative paths
_HEADER = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "([^"\n]+)", line (\d+), in (.+)$')
_PYTHON_ERROR = re.compile(r"^([A-Za-z_][\w.]*)(?:: ?(.*))?$")
# Only where Java puts a class: a message may have lines of any form.
_JAVA_ERROR = re.compile(r"^(?:: |Caused by: |[^\n]*most recent failure: Lost task [^\n]*?\): )((?:\w+\.)+[A-Z][\w$]*)(?:: (.*))?$")
_JAVA_FIRST = re.compile(r"^((?:\w+\.)+[A-Z][\w$]*)(?:: (.*))?$")
_CONNECT_CLASS = re.compile(r"^\((?:\w+\.)+\w+\) ")
_CALLED = re.compile(r'^"(\w+)" was called from\n([^\n]+):(\d+)$', re.MULTILINE)  # Spark's note on the DataFrame's line that an expression comes from
_JAVA_STACK = "JVM stacktrace:"
_CONDITION = re.compile(r"^\s*\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\]\s*(.*)$")
_END_OF_TEXT = re.compile(r"^(\s*SQLSTATE\b|\tat |\s*$)")
# A folder of a partitioned table is named after a cell.
_PARTITION = re.compile(r"[^/\s'\"`]+=[^/\n'\"`]*")
_LONGEST = 300

# Kinds of error whose text speaks of machines, files, classes and names, never of rows.
_PLAIN_JAVA = re.compile(
    r"(Spark)?OutOfMemoryError|StackOverflowError|(Connect|UnknownHost|NoRouteToHost|SocketTimeout|Bind|UnresolvedAddress|ClosedChannel)Exception"
    r"|(AccessDenied|AccessControl|FileAlreadyExists|FileNotFound|NoSuchFile|ParentNotDirectory|PathIO|UnsupportedFileSystem)Exception"
    r"|(ClassNotFound|FetchFailed|MetadataFetchFailed)Exception|(NoClassDefFound|NoSuchMethod|UnsupportedClassVersion)Error|InvalidPlanInput"
)
_PLAIN_PYTHON = re.compile(r"ModuleNotFoundError|ImportError|(_Array)?MemoryError")
_PLAIN_CONDITIONS = re.compile(
    r"(CATALOG|DATA_SOURCE|DELTA_TABLE|PATH|SCHEMA|TABLE_OR_VIEW)_NOT_FOUND|(PATH|TABLE_OR_VIEW)_ALREADY_EXISTS|DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION"
    r"|UNRESOLVED_COLUMN|INVALID_CONF_VALUE|CANNOT_MODIFY_CONFIG|CONNECT_INVALID_PLAN|JAVA_GATEWAY_EXITED|PYTHON_VERSION_MISMATCH|SESSION_CLOSED"
)
_PLAIN_PHRASES = tuple(
    re.compile(phrase)
    for phrase in (
        r"ExecutorLostFailure \(executor [\w.-]+ exited[^\n)]*\)(?: Reason: [^\n]*)?",
        r"Python worker (?:exited unexpectedly \(crashed\)|failed to connect back)",
        r"Error from python worker:\s+[^\n]*|Bad data in pyspark\.daemon's standard output",
        r"Cannot run program \"[^\"\n]*\"[^\n]*?error=\d+, [\w ]+",
        r"No space left on device|Disk quota exceeded|Too many open files|Permission denied|unable to create native thread",
        r"SparkContext was shut down|Cannot call methods on a stopped SparkContext",
        r"Total size of serialized results of \d+ tasks \([^)\n]*\) is bigger than [\w.]+ \([^)\n]*\)",
        r"(?:Sent|Received) message larger than max \(\d+ vs\. \d+\)",
        r"failed to connect to all addresses|Connection (?:refused|reset)(?:: [\w.:/-]+)?",
        r"Failed to convert the value of the column '[^'\n]*' with type '[^'\n]*' to Arrow type '[^'\n]*'",
        r"column '[^'\n]*' must not be null and a generated row has no value for it",
    )
)
# They only carry what a worker or the JVM raised.
_CARRIERS = frozenset({"Py4JJavaError", "PythonException", "SparkException", "UnknownException"})


@dataclass(frozen=True)
class Cause:
    """One link of a chain of errors.

    Attributes:
        name: the class, without its module.
        condition: Spark's error condition, such as `CAST_INVALID_INPUT`.
        detail: the text, where it can hold no cell.
        place: where it was raised.
        ours: whether it is an error of this package, whose text stands alone.
    """

    name: str
    condition: str = ""
    detail: str = ""
    place: str = ""
    ours: bool = False

    def __str__(self) -> str:
        condition = f" ({self.condition})" if self.condition else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.name}{condition}{detail}{f' at {self.place}' if self.place and not self.ours else ''}"


@contextmanager
def step(name: str, table: str | None = None) -> Iterator[None]:
    """Note on errors that leave the block which step failed, and of which table; the innermost block decides.

    Args:
        name: what was going on ("profiling").
        table: of which table.
    """
    try:
        yield
    except Exception as error:
        if not _step_of(error):
            # Python 3.11 shows notes in its tracebacks; 3.10 has no method for them.
            note = f"while {name}" + (f" table {table!r}" if table else "")
            setattr(error, "__notes__", [*getattr(error, "__notes__", []), note])  # noqa: B010 - unknown to a type checker for 3.10
        raise


def _step_of(error: BaseException) -> str:
    return next((note for note in getattr(error, "__notes__", []) if note.startswith("while ")), "")


def failure(doing: str, error: BaseException) -> str:
    """The message of the error that `error` becomes: what failed, at which step and table, and its root cause."""
    noted = next(filter(None, map(_step_of, _errors(error))), "")
    return f"{doing} failed{noted and f' {noted}'}: {describe(error)}"


def describe(error: BaseException) -> str:
    """The root cause of `error` in one line, with what it became on a worker; it never holds a cell of the real data."""
    links = chain(error)
    own = [link for link in links if link.ours]
    if own:
        return own[-1].detail
    telling = [link for link in links if link.detail or link.name not in _CARRIERS] or links[-1:]
    first, last = telling[0], telling[-1]
    return str(last) if first == last or first.detail == last.detail != "" else f"{first}, caused by {last}"


def chain(error: BaseException) -> list[Cause]:
    """All links from `error` down to its root, those in the text of Spark's errors among them."""
    return [link for one in _errors(error) for link in _links(one)]


def _errors(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _links(error: BaseException) -> list[Cause]:
    kind, text = type(error), _text(error)
    family = kind.__module__.partition(".")[0]
    if family == _PACKAGE:
        return [Cause(kind.__name__, detail=text, ours=True)]
    frames = [(frame.filename, str(frame.lineno), frame.name) for frame in extract_tb(error.__traceback__)]
    head = _cause(kind.__name__, text, plain=_is_plain(error))
    if family not in ("pyspark", "py4j"):
        return [replace(head, place=_place(frames))]
    asked = _place([frame for frame in frames if _of_package(frame)])
    if written := _CALLED.search(text):
        asked = f"{asked}{asked and ', '}{written[1]} called in {_short(written[2])}:{written[3]}"
    head = replace(head, condition=head.condition or _condition(error), place=asked)
    java, python = _java_links(text), _python_links(text)
    if python:
        return [replace(head, detail="", place=""), *(link for link in java if link.name not in _CARRIERS), *python]
    if not java:
        return [head]
    # What lies below the last one that tells something is noise: to the JVM, a worker that died is an end of file.
    telling = max((i for i, link in enumerate(java) if link.detail or link.condition), default=len(java) - 1)
    return [*java[:telling], replace(java[telling], place=asked)]


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - Spark's errors ask the JVM for their text, which may be gone
        return ""


def _condition(error: BaseException) -> str:
    try:
        return str(getattr(error, "getCondition", str)() or "")
    except Exception:  # noqa: BLE001 - as above
        return ""


def _is_plain(error: BaseException) -> bool:
    """Errors of the operating system are told in full where they come from it: others use the class for texts of their own."""
    return isinstance(error, (ImportError, MemoryError)) or (isinstance(error, OSError) and error.errno is not None)


def _java_links(text: str) -> list[Cause]:
    links: dict[Cause, None] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = _JAVA_ERROR.match(line) or (_JAVA_FIRST.match(line) if number and lines[number - 1] == _JAVA_STACK else None)
        if found:
            name = re.split(r"[.$]", found[1])[-1]
            message = "\n".join([found[2] or "", *takewhile(lambda more: not more.startswith(("\tat ", "Caused by: ")), lines[number + 1 :])])
            if found[2] is None and not links:  # over Connect the first class stands alone, and its message above the stack
                message = _CONNECT_CLASS.sub("", text)
            links[_cause(name, message, plain=bool(_PLAIN_JAVA.fullmatch(name)))] = None
    return list(links)


def _python_links(text: str) -> list[Cause]:
    """What the tracebacks in `text` end in, the root last; Python writes a cause above what it became."""
    links: list[Cause] = []
    lines = iter(text.splitlines())
    frames: list[tuple[str, str, str]] | None = None
    for line in lines:
        if line.endswith(_HEADER):
            frames = []
        elif frames is not None and (frame := _FRAME.match(line)):
            frames.append((frame[1], frame[2], frame[3]))
        elif frames is not None and not line.startswith("  "):
            links.append(_python_link(line, lines, _place(frames)))
            frames = None
    return list(dict.fromkeys(reversed(links)))


def _python_link(line: str, rest: Iterator[str], place: str) -> Cause:
    found = _PYTHON_ERROR.match(line)
    if found is None:
        return Cause("an error", place=place)
    module, _, name = found[1].rpartition(".")
    if module.partition(".")[0] == _PACKAGE:
        more = iter(lambda: next(rest, ""), "")
        return Cause(name, detail="\n".join([found[2] or "", *_until_end(more)]), place=place, ours=True)
    plain = bool(_PLAIN_PYTHON.fullmatch(name) or re.match(r"\[Errno \d+\] ", found[2] or ""))
    return replace(_cause(name, found[2] or "", plain=plain), place=place)


def _until_end(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if _END_OF_TEXT.match(line):
            return
        yield line


def _cause(name: str, text: str, *, plain: bool) -> Cause:
    first = text.strip().partition("\n")[0]
    found = _CONDITION.match(first)
    condition, rest = (found[1], found[2]) if found else ("", first)
    if plain or _PLAIN_CONDITIONS.fullmatch(condition.partition(".")[0]):
        detail = _PARTITION.sub("...", rest.partition(" SQLSTATE:")[0]).strip(" .")[:_LONGEST]
    else:
        detail = next((" ".join(hit[0].split())[:_LONGEST] for phrase in _PLAIN_PHRASES if (hit := phrase.search(text))), "")
    return Cause(name, condition, detail)


def _place(frames: list[tuple[str, str, str]]) -> str:
    """The innermost frame of this package or of the user, and the innermost of all."""
    own = [frame for frame in frames if _of_package(frame) or not _LIBRARY.search(frame[0])]
    shown = dict.fromkeys([*own[-1:], *frames[-1:]])
    return ", in ".join(f"{_short(path)}:{line} ({function})" for path, line, function in shown)


def _of_package(frame: tuple[str, str, str]) -> bool:
    return _within(frame[0]) not in ("", "errors.py")  # the wrapper there is on the way of every error


def _within(path: str) -> str:
    """The path of a module inside this package, wherever it is installed; empty for others. A checkout may have the package's name too."""
    inside = path.replace("\\", "/").rpartition(f"/{_PACKAGE}/")[2] if f"/{_PACKAGE}/" in path else ""
    return inside if inside.partition("/")[0] in _FOLDERS or "/" not in inside else ""


def _short(path: str) -> str:
    library = _LIBRARY.search(path)
    return _within(path) or (path[library.end() :] if library else "/".join(path.split("/")[-3:]))
