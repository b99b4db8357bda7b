"""The one place where networks run: a bounded queue in front of one worker thread.

The runtimes use all the threads they are given, so a second evaluation beside the first would only slow both.
While one chunk is evaluated, the next is read and decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from domain.errors import DiscLoopError
from domain.findings import Proposal
from ml_backend.model import BATCH, LoadedModel
from ml_backend.proposer import propose_slices
from ml_backend.samples import GreyImage
from ml_backend.telemetry import Telemetry

Answer = TypeVar("Answer")
Read = Callable[[], GreyImage]
Outcome = tuple[Proposal, tuple[int, int]] | DiscLoopError
"""The proposal on a slice and the slice's width and height, or why there is none."""


class QueueFull(Exception):
    """More requests wait than the queue holds."""


class Workbench:
    """Evaluates chunks one after the other; refuses more than `queue` requests at once."""

    def __init__(self, *, queue: int, telemetry: Telemetry) -> None:
        self._queue, self._telemetry, self._waiting = queue, telemetry, 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="networks")
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="reader")

    async def propose(self, model: LoadedModel, reads: Sequence[Read]) -> list[Outcome]:
        """A proposal or the reason for none for each slice, in order.

        A long batch goes in chunks, and other requests get their turn between them.

        Raises:
            QueueFull: At once, if too many requests wait already.
        """
        with self._place():
            loop = asyncio.get_running_loop()
            chunks = [reads[start : start + BATCH] for start in range(0, len(reads), BATCH)]
            if len(chunks) == 1:
                return await loop.run_in_executor(
                    self._worker, lambda: self._evaluate(model, _read_chunk(chunks[0]))
                )
            outcomes: list[Outcome] = []
            following = [*chunks[1:], []]
            pending = loop.run_in_executor(self._readers, _read_chunk, chunks[0] if chunks else [])
            for ahead in following if chunks else []:
                images = await pending
                pending = loop.run_in_executor(self._readers, _read_chunk, ahead)
                outcomes += await loop.run_in_executor(self._worker, self._evaluate, model, images)
            await pending
            return outcomes

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Other work for the networks, when its turn comes.

        Raises:
            QueueFull: At once, if too many requests wait already.
        """
        with self._place():
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._waiting >= self._queue:
            self._telemetry.refused.inc()
            raise QueueFull
        self._waiting += 1
        self._telemetry.waiting.set(self._waiting)
        try:
            yield
        finally:
            self._waiting -= 1
            self._telemetry.waiting.set(self._waiting)

    def _evaluate(self, model: LoadedModel, images: list[GreyImage | DiscLoopError]) -> list[Outcome]:
        readable = [image for image in images if not isinstance(image, DiscLoopError)]
        proposals = iter(zip(propose_slices(model, readable), readable, strict=True))
        self._telemetry.slices.inc(len(readable))
        self._telemetry.failed.inc(len(images) - len(readable))
        return [
            image if isinstance(image, DiscLoopError) else _with_size(*next(proposals)) for image in images
        ]

    def close(self) -> None:
        """Stop the threads; work that waits is dropped."""
        self._worker.shutdown(cancel_futures=True)
        self._readers.shutdown(cancel_futures=True)


def _read_chunk(reads: Sequence[Read]) -> list[GreyImage | DiscLoopError]:
    images: list[GreyImage | DiscLoopError] = []
    for read in reads:
        try:
            images.append(read())
        except DiscLoopError as error:
            images.append(error)
    return images


def _with_size(proposal: Proposal, image: GreyImage) -> tuple[Proposal, tuple[int, int]]:
    return proposal, (image.shape[1], image.shape[0])
