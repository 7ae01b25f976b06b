"""What a training run tells while it goes on."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import fsspec

PROGRESS_SECONDS = 2.0


class ProgressFile:
    """Events of one run as JSON lines. The file is small and written whole each time, since object stores cannot append."""

    def __init__(self, path: str) -> None:
        self._filesystem, self._path = fsspec.core.url_to_fs(path)
        self._lines: list[str] = []
        self._last = -math.inf

    def write(self, event: dict[str, Any], force: bool = True) -> None:
        """Add `event`; without `force` only where the last one is `PROGRESS_SECONDS` old."""
        now = time.monotonic()
        if not force and now - self._last < PROGRESS_SECONDS:
            return
        self._last = now
        self._lines.append(json.dumps(event) + "\n")
        self._filesystem.pipe_file(self._path, "".join(self._lines).encode())
