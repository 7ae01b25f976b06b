"""Memory and CPU time of a Spark driver with all its processes (JVM, Python daemon and workers), from `/proc`."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import TracebackType

INTERVAL_SECONDS = 0.5  # reading a process's pages takes the kernel some milliseconds
_TICKS = os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> tuple[str, list[str]] | None:
    """Name and the numbers after it in `/proc/pid/stat`; None where the process has gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    return name, text[text.rindex(")") + 2 :].split()


def _root() -> int:
    """Under `spark-submit` the JVM is the parent of this process, otherwise its child."""
    parent = _fields(os.getppid())
    return os.getppid() if parent is not None and parent[0] == "java" else os.getpid()


def _tree(root: int) -> dict[int, list[str]]:
    found = {int(p): fields for p in os.listdir("/proc") if p.isdigit() and (fields := _fields(int(p))) is not None}
    tree, size = {root}, 0
    while len(tree) > size:
        size = len(tree)
        tree |= {pid for pid, (_, fields) in found.items() if int(fields[1]) in tree}
    return {pid: found[pid][1] for pid in tree if pid in found}


def _proportional_mib(pid: int) -> float:
    """The process's pages, each divided by how many processes share it; 0 for one that has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) / 1024


class TreeWatch:
    """Samples the tree's resident memory and CPU time while its block runs.

    Attributes:
        mib: the largest sum over all processes seen at one moment; pages that processes share (torch's libraries, 500 MB) count in each.
        shared_once_mib: the same with shared pages counted once, as the limit of a container does.
        jvm_mib, driver_mib, worker_mib: the most that the JVM, the driver's Python and one other Python process had, shared pages counted once.
    """

    def __init__(self, interval: float = INTERVAL_SECONDS) -> None:
        self.mib = self.shared_once_mib = self.jvm_mib = self.driver_mib = self.worker_mib = 0.0
        self._interval, self._own = interval, 0.0  # CPU seconds of the watch itself
        self._spent: dict[tuple[int, str], int] = {}
        self._kinds: dict[int, str] = {}
        self._before = self._ticks()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> TreeWatch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def cpu_seconds(self) -> float:
        """CPU time since the watch began. Of a process that has gone, up to the last sample: Spark's workers end as orphans, whose time no parent inherits."""
        return (self._ticks() - self._before) / _TICKS - self._own

    def by_kind(self) -> dict[str, float]:
        """CPU seconds so far of the JVM, the driver's Python and all other processes, counted as `cpu_seconds` does."""
        self._ticks()
        kinds = dict.fromkeys(("jvm", "driver", "workers"), 0.0)
        for (pid, _), ticks in list(self._spent.items()):
            kinds[self._kind(pid)] += ticks / _TICKS
        kinds["driver"] -= self._own
        return kinds

    def _kind(self, pid: int) -> str:
        if pid not in self._kinds:
            found = _fields(pid)
            self._kinds[pid] = "driver" if pid == os.getpid() else "jvm" if found is not None and found[0] == "java" else "workers"
        return self._kinds[pid]

    def _ticks(self) -> int:
        for pid, fields in _tree(_root()).items():
            self._spent[pid, fields[19]] = int(fields[11]) + int(fields[12])  # by start time too: process numbers are used again
            self._kind(pid)  # while it can be asked
        return sum(list(self._spent.values()))

    def _watch(self) -> None:
        page, root = os.sysconf("SC_PAGE_SIZE") / 2**20, _root()
        while not self._stop.wait(self._interval):
            tree = _tree(root)
            self.mib = max(self.mib, sum(int(fields[21]) * page for fields in tree.values()))
            held = {pid: _proportional_mib(pid) for pid in tree}
            self.shared_once_mib = max(self.shared_once_mib, sum(held.values()))
            for pid, mib in held.items():
                name = {"jvm": "jvm_mib", "driver": "driver_mib", "workers": "worker_mib"}[self._kind(pid)]
                setattr(self, name, max(getattr(self, name), mib))
            self._ticks()
            self._own = time.thread_time()
