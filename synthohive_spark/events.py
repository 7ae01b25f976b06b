"""What a run says: structlog set-up, the names of events, and the progress bar. Everything goes to stderr; stdout is the caller's."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Literal, TextIO

import structlog
from tqdm import tqdm

FIT_STARTED = "fit.started"
FIT_DONE = "fit.done"
SAMPLE_STARTED = "sample.started"
SAMPLE_DONE = "sample.done"
STAGE = "stage"
PROGRESS = "progress"
TRAINING_STARTED = "training.started"
TRAINING_PROGRESS = "training.progress"
TRAINING_DONE = "training.done"
TABLE_SAMPLED = "table.sampled"
RUN_RECOVERED = "run.recovered"
RUN_LEFT = "run.left"
RESUMED = "resumed"
CONSTRAINT_VIOLATIONS = "constraint.violations"
LEFT_OUT = "left.out"
DEPENDENCIES = "dependencies"

QUIET_STEPS = 20  # without a terminal, one line per this share (1/20) of a run: a log of a long fit stays a page long
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SETTINGS: dict[str, Any] = {"style": "console", "level": logging.INFO}


_CLOCK = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
_DATE = structlog.processors.TimeStamper(fmt="iso", utc=True)


class _Stderr:
    """Looks `sys.stderr` up at each line, since notebooks and test runners replace it, and writes above a bar that is shown."""

    def msg(self, message: str) -> None:
        tqdm.write(message, file=sys.stderr)

    log = debug = info = warning = warn = error = critical = fatal = exception = msg


def _renderer(style: str) -> structlog.types.Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(sort_keys=False, default=str)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=18)


def configure(style: Literal["console", "json"] = "console", level: str = "info") -> None:
    """Set how events are written, for this package only: the application's own structlog and logging set-up stay as they are.

    Args:
        style: `console` for people, `json` for one object per line.
        level: the least of `debug`, `info`, `warning`, `error` to write.

    Raises:
        ValueError: `style` or `level` is none of these.
    """
    if style not in ("console", "json") or level not in _LEVELS:
        raise ValueError(f"events: style {style!r}, level {level!r}; expected console or json, and one of {', '.join(_LEVELS)}")
    _SETTINGS.update(style=style, level=_LEVELS[level])


def _filter_level(logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if _LEVELS.get(method, logging.ERROR) < _SETTINGS["level"]:
        raise structlog.DropEvent
    return event


def _stamp(logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """For people the time of day and what happened; for machines the date and the module too."""
    if _SETTINGS["style"] == "console":
        event.pop("logger", None)
        return _CLOCK(logger, method, event)
    return _DATE(logger, method, event)


def _render(logger: Any, method: str, event: structlog.types.EventDict) -> Any:
    return _renderer(_SETTINGS["style"])(logger, method, event)


def get_logger(name: str = "synthohive_spark", **fields: Any) -> Any:
    """A structlog logger for the module `name`; `fields` go with each of its events."""
    processors: list[structlog.types.Processor] = [
        _filter_level,
        structlog.processors.add_log_level,
        _stamp,
        structlog.processors.format_exc_info,
        _render,
    ]
    return structlog.wrap_logger(_Stderr(), processors=processors, wrapper_class=structlog.BoundLogger, context_class=dict).bind(logger=name, **fields)


class _NotebookBar:
    """A bar in the output of a notebook's cell, updated in place. It is HTML: a library of widgets is not needed, and a saved notebook keeps how it ended."""

    def __init__(self, display: Callable[..., Any], title: str) -> None:
        self._title, self._share, self._told = title, 0.0, ""
        self._handle = display(self, display_id=True)

    def show(self, share: float, fields: Mapping[str, Any]) -> None:
        self._share, self._told = share, ", ".join(f"{name} {value}" for name, value in fields.items())
        if self._handle is not None:  # a display that takes no ids, as of a front end that keeps none
            self._handle.update(self)

    def __repr__(self) -> str:
        return f"{self._title} {100 * self._share:.0f}% {self._told}".rstrip()

    def _repr_html_(self) -> str:
        bar = f'<progress value="{self._share:.3f}" max="1" style="width:16em;vertical-align:middle"></progress>'
        return f'<div style="font:13px system-ui,sans-serif">{escape(self._title)} {bar} {100 * self._share:.0f}% {escape(self._told)}</div>'


def _notebook_display() -> Callable[..., Any] | None:
    """IPython's `display` where a kernel runs. It is looked up and never imported: a notebook has it loaded, and nothing else needs it."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    shown = sys.modules.get("IPython.display")
    return getattr(shown, "display", None) if hasattr(shell, "kernel") else None


class Progress:
    """One bar per run in a notebook, or where stderr is a terminal; otherwise a line now and then.

    Args:
        title: what is going on ("training").
        total: units of work of the whole run.
        stream: where to; stderr by default.
    """

    def __init__(self, title: str, total: float, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._title, self._total = title, max(total, 1e-9)
        self._done, self._said = 0.0, 0
        terminal = getattr(self._stream, "isatty", lambda: False)()
        display = _notebook_display() if stream is None else None
        self._shown = None if display is None else _NotebookBar(display, title)
        self._bar = (
            tqdm(total=1.0, desc=title, file=self._stream, bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed}{postfix}")
            if terminal and display is None
            else None
        )

    def update(self, done: float, fields: Mapping[str, Any] | None = None, eta_s: float | None = None) -> None:
        """Show that `done` units of `total` are there; `fields` are shown beside it, `eta_s` is the time left in seconds."""
        self._done = min(max(done, self._done), self._total)
        share = self._done / self._total
        beside = {**(fields or {}), **({} if eta_s is None else {"left": f"{eta_s:.0f}s"})}
        if self._shown is not None:
            self._shown.show(share, beside)
        elif self._bar is not None:
            self._bar.n = share
            self._bar.set_postfix(beside, refresh=False)
            self._bar.refresh()
        elif int(share * QUIET_STEPS) > self._said:
            self._said = int(share * QUIET_STEPS)
            get_logger().info(PROGRESS, stage=self._title, percent=round(100 * share), **({} if eta_s is None else {"eta_s": round(eta_s)}), **(fields or {}))

    def close(self) -> None:
        """Leave the terminal line free."""
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
