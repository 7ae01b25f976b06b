"""Events and progress, as they are written."""

from __future__ import annotations

import io
import json
import logging
import sys
import types
from collections.abc import Iterator

import pytest
import structlog

from synthohive_spark import events


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    events.configure("console", "info")


def test_json_events_go_to_stderr_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    events.configure("json")
    events.get_logger("here", run=3).info(events.TRAINING_DONE, table="flights", epoch=4, losses={"critic": 1.2})
    out, err = capsys.readouterr()
    line = json.loads(err)
    assert out == ""
    assert (line["event"], line["table"], line["losses"], line["logger"], line["run"]) == ("training.done", "flights", {"critic": 1.2}, "here", 3)
    assert line["level"] == "info" and line["timestamp"].endswith("Z")


def test_level_drops_what_is_below(capsys: pytest.CaptureFixture[str]) -> None:
    events.configure("console", "warning")
    log = events.get_logger()
    log.info("quiet")
    log.warning("loud", rows=3)
    err = capsys.readouterr().err
    assert "quiet" not in err and "loud" in err and "rows=3" in err


def test_other_loggers_stay_as_they_are() -> None:
    level, before = logging.getLogger().level, structlog.get_config()
    events.configure("json", "error")
    assert logging.getLogger().level == level
    assert structlog.get_config() == before


@pytest.mark.parametrize(("style", "level"), [("xml", "info"), ("json", "loud")])
def test_unknown_settings_are_refused(style: str, level: str) -> None:
    with pytest.raises(ValueError, match="expected console or json"):
        events.configure(style, level)  # type: ignore[arg-type]


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    events.configure("json")
    with events.Progress("training", total=200) as progress:
        for step in range(201):
            progress.update(step, {"tables": "flights"}, eta_s=200.0 - step)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == events.QUIET_STEPS
    assert lines[-1]["percent"] == 100 and lines[0]["percent"] == 5 and lines[0]["eta_s"] == 190


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_progress_is_a_bar_that_never_goes_back() -> None:
    stream = Terminal()
    with events.Progress("training", total=2, stream=stream) as progress:
        progress.update(1.0, {"tables": "planes"}, eta_s=12.4)
        progress.update(0.5)
    shown = stream.getvalue()
    assert "training  50%" in shown and "left=12s" in shown and "25%" not in shown


class Displayed:
    """What IPython's `display` gives, and what was shown."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    def __call__(self, shown: object, *, display_id: bool) -> Displayed:
        assert display_id
        return self.update(shown)

    def update(self, shown: object) -> Displayed:
        self.pages.append(shown._repr_html_())  # type: ignore[attr-defined]
        return self


def test_in_a_notebook_progress_is_one_output_that_is_updated(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    displayed, shell = Displayed(), types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=displayed))
    with events.Progress("training", total=2) as progress:
        progress.update(1.0, {"tables": "<b>"}, eta_s=12.4)
        progress.update(2.0)
    assert capsys.readouterr().err == ""
    assert len(displayed.pages) == 3 and 'value="0.500"' in displayed.pages[1] and "tables &lt;b&gt;, left 12s" in displayed.pages[1]
    assert 'value="1.000"' in displayed.pages[2]
    del shell.kernel  # IPython in a terminal
    with events.Progress("training", total=1) as progress:
        progress.update(1.0)
    assert len(displayed.pages) == 3 and "progress" in capsys.readouterr().err
