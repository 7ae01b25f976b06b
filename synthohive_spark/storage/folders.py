"""Folders through fsspec, so that local paths and object stores look alike."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ..errors import MissingDependencyError, SchemaError, SerializationError
from ..spec.identifiers import checked_path
from .targets import absolute_path

_CHUNK = 1 << 22  # bytes; reference tables may be larger than the driver's memory


@dataclass(frozen=True)
class Folder:
    """A folder that may or may not exist yet.

    Attributes:
        files: the fsspec file system.
        root: the folder as `files` names it.
        url: the folder as the user and Spark name it, absolute.
    """

    files: Any
    root: str
    url: str

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Folder:
        """Find the file system of `path`; nothing is created.

        Raises:
            SerializationError: the path is malformed, or its protocol is unknown.
            MissingDependencyError: the protocol needs a package that is not installed.
        """
        try:
            url = absolute_path(checked_path(os.fspath(path))).rstrip("/")
            if "://" not in url:
                url = os.path.realpath(url)  # a link must be followed before its folder is swapped
            files, root = fsspec.url_to_fs(url, use_listings_cache=False)
        except (SchemaError, TypeError) as error:
            raise SerializationError(f"{path!r:.200} is not a path: {error}") from error
        except ImportError as error:
            raise MissingDependencyError(f"the protocol of {url} needs another package: {error}") from error
        except ValueError as error:
            raise SerializationError(f"{url}: {error}; fsspec knows local paths, s3://, abfss://, gs:// and others") from error
        return cls(files, str(root).rstrip("/"), url)

    def at(self, relative: str) -> str:
        """The full path of a file, as `files` names it."""
        return f"{self.root}/{relative}"

    def beside(self, word: str) -> Folder:
        """A fresh name next to this folder."""
        suffix = f".{word}-{uuid.uuid4().hex[:12]}"
        return Folder(self.files, self.root + suffix, self.url + suffix)

    def exists(self) -> bool:
        """Whether there is anything under this name."""
        return bool(self.files.exists(self.root))

    def is_folder(self) -> bool:
        """Whether it is there, and no file."""
        return bool(self.files.isdir(self.root))

    def listing(self) -> list[str]:
        """All files below, relative, sorted."""
        return sorted(str(name)[len(self.root) + 1 :] for name in self.files.find(self.root))

    def is_empty(self) -> bool:
        """Whether there is neither a file nor a folder below."""
        return all(str(name).rstrip("/") == self.root for name in self.files.find(self.root, withdirs=True))

    def write(self, relative: str, chunks: Iterable[bytes]) -> tuple[int, str]:
        """Write one file; give its size in bytes and its SHA-256."""
        path = self.at(relative)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with self.files.open(path, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        return size, digest.hexdigest()

    def chunks(self, relative: str) -> Iterator[bytes]:
        """The bytes of one file, a few MiB at a time."""
        with self.files.open(self.at(relative), "rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk

    def read(self, relative: str) -> bytes:
        """The bytes of one file."""
        return b"".join(self.chunks(relative))

    def remove(self) -> None:
        """Remove the folder and all below it, if it is there."""
        if self.exists():
            self.files.rm(self.root, recursive=True)

    def move_to(self, other: Folder) -> None:
        """Rename; on an object store this copies and deletes. `other` must not exist."""
        self.files.mv(self.root, other.root, recursive=True)


def swap_in(staged: Folder, place: Folder) -> None:
    """Put the complete folder `staged` where `place` is, whose content goes.

    A local folder is renamed aside first and comes back if the second rename fails. On an object store, where renaming copies, the old one is removed first;
    `staged` stays complete until the copy is done.
    """
    if not place.exists():
        staged.move_to(place)
        return
    if not isinstance(staged.files, LocalFileSystem):
        place.remove()
        staged.move_to(place)
        return
    aside = place.beside("old")
    place.move_to(aside)
    try:
        staged.move_to(place)
    except BaseException:
        aside.move_to(place)
        raise
    aside.remove()
