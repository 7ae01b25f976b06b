"""What a call that can be resumed keeps of its finished parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar

from pydantic import ValidationError

from ..spec.base import Spec
from .folders import Folder

S = TypeVar("S", bound=Spec)
CALL_BYTES = 16  # of the hash that names a call


def call_name(word: str, asked: Mapping[str, object]) -> str:
    """A name for a call that only the very same call has: `word` and a hash of all that it depends on, each of which JSON can hold."""
    text = json.dumps(asked, sort_keys=True, default=str)
    return f"{word}_{hashlib.blake2b(text.encode(), digest_size=CALL_BYTES).hexdigest()}"


class Checkpoints:
    """The finished parts of one call, in a folder that outlives the process.

    Args:
        folder: of this very call; anything else would be taken for its own.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._done = folder.below("done")
        # Asked once: what this process finishes, it knows, and may do again.
        self._earlier = frozenset(self._done.names())

    @property
    def url(self) -> str:
        """The folder, as Spark names it."""
        return self._folder.url

    @property
    def is_begun(self) -> bool:
        """Whether an earlier process has finished some part."""
        return bool(self._earlier)

    def has(self, part: str) -> bool:
        """Whether an earlier process finished the part."""
        return part in self._earlier

    def mark_files(self, part: str, relative: str) -> None:
        """The part is done: the files of a folder of the call."""
        self._done.put(part, self._files(relative))

    def has_files(self, part: str, relative: str) -> bool:
        """Whether an earlier process finished the part, and its files are there as far as their sizes tell."""
        if not self.has(part):
            return False
        with suppress(FileNotFoundError):
            return self._done.read(part) == self._files(relative)
        return False

    def keep(self, part: str, spec: Spec) -> None:
        """The part is done, and this is what it gave."""
        self._done.put(part, spec.model_dump_json().encode())

    def kept(self, part: str, kind: type[S]) -> S | None:
        """What an earlier process kept of the part; None where it kept nothing that can be read."""
        if not self.has(part):
            return None
        with suppress(FileNotFoundError, ValidationError):
            return kind.model_validate_json(self._done.read(part))
        return None

    def make_folder(self, relative: str) -> str:
        """A folder of the call, made, as Spark names it."""
        below = self._folder.below(relative)
        below.files.makedirs(below.root, exist_ok=True)
        return below.url

    def _files(self, relative: str) -> bytes:
        """Names and sizes of the files of a folder, but for those that Spark leaves beside its own."""
        below = self._folder.below(relative)
        below.files.invalidate_cache()
        sizes = {name: int(below.files.size(below.at(name))) for name in below.names() if not name.startswith((".", "_"))}
        return json.dumps(sizes, sort_keys=True).encode()

    def remove(self) -> None:
        """The call is over: nothing of it is needed any more."""
        self._folder.remove()
