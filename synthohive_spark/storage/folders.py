"""Folders through fsspec, so that local paths and object stores look alike."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ..errors import MissingDependencyError, SchemaError, SerializationError
from ..spec.identifiers import checked_path
from .targets import absolute_path

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")
LEFT_AFTER = timedelta(hours=1)  # no writer takes longer for one small file
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

    def has(self, relative: str) -> bool:
        """Whether there is a file of that name in it."""
        return bool(self.files.isfile(self.at(relative)))

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

    def below(self, relative: str) -> Folder:
        """A folder inside of this one."""
        return Folder(self.files, self.at(relative), f"{self.url}/{relative}")

    def names(self) -> list[str]:
        """The names directly in the folder, sorted; none where it is not there."""
        self.files.invalidate_cache()
        try:
            found = self.files.ls(self.root, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for path in found if (name := str(path).rstrip("/").rpartition("/")[2]) and str(path).rstrip("/") != self.root)

    def put(self, relative: str, data: bytes) -> None:
        """Write one small file, replacing what has its name; a reader sees the old content or the new."""
        path = self.at(relative)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if isinstance(self.files, LocalFileSystem):
            os.replace(_temporary(path, data), path)
        else:
            self.files.pipe_file(path, data)

    def put_new(self, relative: str, data: bytes) -> None:
        """Write one small file that is not there yet, whole or not at all: of several writers one wins.

        Raises:
            FileExistsError: something has its name.
        """
        path = self.at(relative)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if isinstance(self.files, LocalFileSystem):
            _put_new_local(path, data)
        else:
            self.files.pipe_file(path, data, mode="create")

    def remove_file(self, relative: str) -> None:
        """Remove one file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.files.rm_file(self.at(relative))

    def sweep(self, prefix: str | None = None) -> None:
        """Remove what writers that died in the middle of `put` or `put_new` have left directly in the folder, and old files that begin with `prefix`."""
        oldest = datetime.now(timezone.utc) - LEFT_AFTER
        for name in self.names():
            if _TEMPORARY.fullmatch(name) or (prefix and name.startswith(prefix)):
                with contextlib.suppress(FileNotFoundError):
                    if _aware(self.files.modified(self.at(name))) < oldest:
                        self.remove_file(name)

    def remove_if_empty(self) -> None:
        """Remove a local folder, if it is there and holds nothing. Object stores have no empty folders, and theirs could be a whole bucket."""
        if isinstance(self.files, LocalFileSystem):
            with contextlib.suppress(OSError):
                os.rmdir(self.root)

    def remove(self) -> None:
        """Remove the folder and all below it, if it is there."""
        if self.exists():
            self.files.rm(self.root, recursive=True)

    def move_to(self, other: Folder) -> None:
        """Rename; on an object store this copies and deletes. `other` must not exist."""
        self.files.mv(self.root, other.root, recursive=True)


def _aware(moment: datetime) -> datetime:
    """File systems that give no time zone mean UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _temporary(path: str, data: bytes) -> str:
    """The data in a file beside `path`, hidden from Spark, on the disk when this returns."""
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.{name}.{uuid.uuid4().hex[:12]}.tmp"
    try:
        with open(temporary, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return temporary


def _put_new_local(path: str, data: bytes) -> None:
    """A rename would replace what another writer has put there; a hard link does not."""
    temporary = _temporary(path, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as a mounted object store
        if os.path.exists(path):
            raise FileExistsError(path) from None
        os.rename(temporary, path)
        return
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


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
