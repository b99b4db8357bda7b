"""Encryption of a backup's files: AES-256-GCM over chunks, so that no file has to fit into memory.

Each file has a key of its own (HKDF-SHA256 from the backup's key, a random salt and the file's name), so a
sealed file cannot stand in for another. A chunk's nonce is its number and whether it is the last: chunks
cannot be left out, repeated, reordered or cut off (the STREAM construction of Hoang, Reyhanitabar, Rogaway
and Vizár, CRYPTO 2015).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.errors import DiscLoopError

KEY_BYTES = 32
SALT_BYTES = 16
TAG_BYTES = 16
CHUNK_BYTES = 1 << 20


class Readable(Protocol):
    """What gives bytes, at most `size` at a time, and none at its end."""

    def read(self, size: int, /) -> bytes: ...


def read_key(file: Path) -> bytes:
    """The key in `file`: 64 hexadecimal digits, as `openssl rand -hex 32` writes them.

    Raises:
        DiscLoopError: If it cannot be read or is no such key; its content is never shown.
    """
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except OSError as error:
        raise DiscLoopError(f"--key {file}: cannot be read ({error.strerror})") from error
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or len(set(key)) < 8:
        raise DiscLoopError(
            f"--key {file}: expected 64 hexadecimal digits, drawn at random; make one: openssl rand -hex 32"
        )
    return key


def sealed(stream: Readable, key: bytes, name: str) -> Iterator[bytes]:
    """The sealed form of a stream, in pieces."""
    salt = os.urandom(SALT_BYTES)
    yield salt
    cipher = _cipher(key, salt, name)
    for number, (chunk, is_last) in enumerate(_chunks(stream, CHUNK_BYTES)):
        yield cipher.encrypt(_nonce(number, is_last), chunk, None)


def opened(stream: Readable, key: bytes, name: str) -> Iterator[bytes]:
    """What was sealed under this name, in pieces; each piece is authentic when it is given.

    Raises:
        DiscLoopError: If the key is another one or the sealed bytes were changed.
    """
    cipher = _cipher(key, stream.read(SALT_BYTES), name)
    try:
        for number, (chunk, is_last) in enumerate(_chunks(stream, CHUNK_BYTES + TAG_BYTES)):
            yield cipher.decrypt(_nonce(number, is_last), chunk, None)
    except InvalidTag:
        raise DiscLoopError(f"{name}: does not open: another key, or the backup is damaged") from None


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    info = b"discloop backup 1\0" + name.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _chunks(stream: Readable, size: int) -> Iterator[tuple[bytes, bool]]:
    chunk = _full(stream, size)
    while following := _full(stream, size):
        yield chunk, False
        chunk = following
    yield chunk, True


def _full(stream: Readable, size: int) -> bytes:
    """A read may bring less than asked before the end."""
    found = bytearray()
    while len(found) < size and (more := stream.read(size - len(found))):
        found += more
    return bytes(found)
