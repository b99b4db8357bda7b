"""Finding files in any layout: nested folders, no extensions, zip archives, junk in between."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from data_curation.policy import Limits
from domain.errors import DiscLoopError

_DICOM_STARTS = (b"\x08\x00", b"\x02\x00")
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_DAMAGE = (zipfile.BadZipFile, zlib.error, KeyError, RuntimeError, NotImplementedError, EOFError, ValueError)


@dataclass(frozen=True)
class Source:
    """A file below the root, or a member of a zip archive there, or of an archive within that."""

    path: str
    members: tuple[str, ...] = ()
    """Names from the outer archive to the inner one."""

    @property
    def name(self) -> str:
        """What the owner of the files calls it. Identifying: never logged, never stored."""
        return "!".join((self.path, *self.members))


@dataclass(frozen=True)
class Skipped:
    """A source that cannot be read, and why. A reason tells nothing about a patient."""

    source: Source
    reason: str


def find_sources(root: Path, limits: Limits) -> Iterator[Source | Skipped]:
    """All regular files below `root`, archives opened, in a stable order. Links are not followed.

    Raises:
        DiscLoopError: If `root` is not a folder that can be read.
    """
    if not root.is_dir():
        raise DiscLoopError(f"{root}: expected a folder of DICOM files")
    for path in _files(root):
        if path.is_symlink():
            yield Skipped(Source(str(path)), "symbolic link")
        elif not path.is_file():
            yield Skipped(Source(str(path)), "not a plain file")
        elif _is_zip(path):
            yield from _members(Source(str(path)), limits)
        else:
            yield _sized(Source(str(path)), path.stat().st_size, limits)


def _files(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: os.fsencode(e.name))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path)


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) in _ZIP_STARTS
    except OSError:
        return False


def _sized(source: Source, size: int, limits: Limits) -> Source | Skipped:
    if size == 0:
        return Skipped(source, "empty file")
    if size > limits.file_bytes:
        return Skipped(source, "file larger than the limit")
    return source


def _members(whole: Source, limits: Limits) -> Iterator[Source | Skipped]:
    """An archive's members; nothing is unpacked to disk, so no member name can reach outside."""
    try:
        archive = _archive(whole, os.stat(whole.path).st_mtime_ns, limits.file_bytes)
        infos = [info for info in archive.infolist() if not info.is_dir()]
    except (OSError, *_DAMAGE):
        yield Skipped(whole, "damaged zip archive")
        return
    if len(infos) > limits.zip_members or sum(i.file_size for i in infos) > limits.zip_bytes:
        yield Skipped(whole, "zip archive larger than the limit")
        return
    for info in sorted(infos, key=lambda i: i.filename):
        source = Source(whole.path, (*whole.members, info.filename))
        if info.flag_bits & 1:
            yield Skipped(source, "encrypted zip member")
        elif info.file_size > limits.zip_ratio * max(info.compress_size, 1):
            yield Skipped(source, "zip member unpacks beyond the limit")
        elif not _holds_zip(archive, info):
            yield _sized(source, info.file_size, limits)
        elif len(source.members) < limits.zip_depth:
            yield from _members(source, limits)
        else:
            yield Skipped(source, "zip archive too far in others")


def _holds_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(info) as stream:
            return stream.read(4) in _ZIP_STARTS
    except (OSError, *_DAMAGE):
        return False


@lru_cache(maxsize=4)
def _archive(whole: Source, changed: int, most: int) -> zipfile.ZipFile:
    if not whole.members:
        return zipfile.ZipFile(whole.path)
    outer = Source(whole.path, whole.members[:-1])
    return zipfile.ZipFile(io.BytesIO(_unpacked(_archive(outer, changed, most), whole.members[-1], most)))


def _unpacked(archive: zipfile.ZipFile, member: str, most: int) -> bytes:
    with archive.open(member) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError("zip member unpacks beyond the limit")
    return content


def open_source(source: Source, limits: Limits) -> io.BufferedIOBase:
    """A seekable stream of a source's bytes.

    Raises:
        OSError: If it cannot be read, is damaged, or unpacks beyond the limit.
    """
    if not source.members:
        return Path(source.path).open("rb")
    outer = Source(source.path, source.members[:-1])
    try:
        archive = _archive(outer, os.stat(source.path).st_mtime_ns, limits.file_bytes)
        return io.BytesIO(_unpacked(archive, source.members[-1], limits.file_bytes))
    except _DAMAGE as error:
        raise OSError("damaged zip member") from error


def looks_like_dicom(stream: io.BufferedIOBase) -> bool:
    """Whether the first bytes are a DICOM file's, with or without the preamble of PS3.10."""
    head = stream.read(132)
    stream.seek(0)
    return head[128:132] == b"DICM" or head[:2] in _DICOM_STARTS
