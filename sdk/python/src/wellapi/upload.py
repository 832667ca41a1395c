"""Streams batches: none is lost, none is stored twice, and no more are on their way than the window says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypedDict, TypeVar

from connectrpc.code import Code

from .connection import Connection
from .errors import ClientError, WellApiError, error_of_failure, failure_of_error
from .ingestion.v1.ingestion_pb import BatchReceipt, ObservationBatch, SeriesBatch
from .ingestion.v1.ingestion_service_connect import IngestionServiceClient
from .ingestion.v1.ingestion_service_pb import (
    CreateObservationsRequest,
    CreateSeriesRequest,
    StreamObservationsRequest,
    StreamSeriesRequest,
)
from .records.v1.clinical_records_pb import ClinicalBatch, ClinicalOutcome, ClinicalReceipt
from .records.v1.clinical_records_service_connect import ClinicalRecordsServiceClient
from .records.v1.clinical_records_service_pb import (
    StreamClinicalRecordsRequest,
    WriteClinicalRecordsRequest,
)
from .retries import Backoff
from .type.v1.vocabulary_pb import Failure


class Batch(Protocol):
    """Of series, observations or clinical records."""

    request_id: str


B = TypeVar("B", bound=Batch)
R = TypeVar("R", BatchReceipt, ClinicalReceipt)

_BACKOFF = Backoff(first=0.4, longest=5.0)


@dataclass(frozen=True)
class Answer(Generic[B, R]):
    """The outcome of a batch: a receipt with an outcome an item, or the failure of the whole batch."""

    batch: B
    receipt: R | None
    error: WellApiError | None


class UploadProgress(Protocol):
    """The stored batches of a source, so that a later upload of the same source resumes."""

    def __contains__(self, request_id: str) -> bool: ...
    def add(self, request_id: str) -> None:
        """Called once the server has reported the batch as stored."""
        ...


class ProgressFile:
    """Progress in a file, one request id a line. A missing file means an upload that has not begun."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._stored = set(self._path.read_text().split()) if self._path.exists() else set()

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._stored

    def add(self, request_id: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{request_id}\n")
        self._stored.add(request_id)

    def remove(self) -> None:
        """Deletes the file: every batch is stored."""
        self._path.unlink(missing_ok=True)


class UploadOptions(TypedDict, total=False):
    """How an upload goes."""

    window: int
    """Most batches without an answer; 16 unless given."""
    attempts: int
    """Streams in a row without any answer, after which the upload ends with their error; 8 unless given."""
    progress: UploadProgress | None
    """Batches that it has are skipped; each that the server stores is added."""
    on_cut: Callable[[WellApiError, int], None] | None
    """Told the error of a stream that has ended early, and how many there were in a row, before the pause."""


@dataclass
class _Reply:
    request_id: str
    receipt: Any = None
    failure: Failure | None = None


OpenStream = Callable[[AsyncIterator[Any]], AsyncGenerator[_Reply]]


@dataclass(frozen=True)
class Way(Generic[B, R]):
    """How batches of a kind go, and by which receipt they count as stored: what counts is not sent by a later upload."""

    open_stream: OpenStream
    is_stored: Callable[[R], bool]


class Upload(Generic[B, R]):
    """One upload over as many streams as it takes."""

    def __init__(
        self,
        way: Way[B, R],
        batches: AsyncIterable[B],
        *,
        window: int = 16,
        attempts: int = 8,
        progress: UploadProgress | None = None,
        on_cut: Callable[[WellApiError, int], None] | None = None,
    ) -> None:
        if window < 1 or attempts < 1:
            raise ClientError("input", "window and attempts are 1 or more")
        self._way = way
        self._source: _Source[B] = _Source(batches, progress)
        self._window = window
        self._attempts = attempts
        self._progress = progress
        self._on_cut = on_cut
        self._unanswered: dict[str, B] = {}
        self._attempt = 0

    async def run(self) -> AsyncGenerator[Answer[B, R]]:
        """Ends when each batch has its answer; raises where the server refuses the stream, or `attempts` end without any answer."""
        try:
            while True:
                try:
                    stream = self._stream()
                    try:
                        async for answer in stream:
                            yield answer
                    finally:
                        await stream.aclose()
                    return
                except WellApiError as error:
                    if self._source.failure is not None:
                        raise self._source.failure from None
                    self._attempt += 1
                    if not error.transient or self._attempt >= self._attempts:
                        raise
                    if self._on_cut is not None:
                        self._on_cut(error, self._attempt)
                    await asyncio.sleep(_BACKOFF.before(self._attempt, error.retry_after))
        finally:
            await self._source.leave()

    async def _stream(self) -> AsyncGenerator[Answer[B, R]]:
        """One stream: sends the unanswered batches, then those of the source."""
        room = asyncio.Event()
        state = _StreamState()
        replies = self._way.open_stream(self._requests(room, state))
        try:
            async for reply in replies:
                batch = self._unanswered.get(reply.request_id)
                if batch is None or (reply.receipt is None and reply.failure is None):
                    # An answer that came before, or of a kind that this library does not know: it is none.
                    continue
                if reply.failure is not None and reply.failure.retry_after_ms > 0:
                    # It stays unanswered and is sent again on the next stream, after the longest delay that was named.
                    if state.failed is None or reply.failure.retry_after_ms > state.failed.retry_after_ms:
                        state.failed = reply.failure
                    room.set()
                    continue
                answer = self._answered(batch, reply)
                room.set()
                yield answer
            if state.failed is not None:
                raise error_of_failure(state.failed)
            if self._unanswered or not self._source.exhausted:
                raise WellApiError(
                    Code.UNAVAILABLE, "UNAVAILABLE", "the stream ended before each batch had its answer"
                )
        finally:
            state.ended = True
            room.set()
            await replies.aclose()

    def _answered(self, batch: B, reply: _Reply) -> Answer[B, R]:
        self._attempt = 0
        del self._unanswered[batch.request_id]
        if reply.failure is not None:
            return Answer(batch, None, error_of_failure(reply.failure))
        if self._progress is not None and self._way.is_stored(reply.receipt):
            self._progress.add(batch.request_id)
        return Answer(batch, reply.receipt, None)

    async def _requests(self, room: asyncio.Event, state: _StreamState) -> AsyncGenerator[B]:
        for batch in list(self._unanswered.values()):
            yield batch
        while not state.stopped:
            if len(self._unanswered) >= self._window:
                room.clear()
                await room.wait()
                continue
            batch = await self._source.peek()
            # A batch that comes after the end of this stream is for the next one.
            if state.ended or batch is None:
                return
            self._source.take()
            self._unanswered[batch.request_id] = batch
            yield batch


@dataclass
class _StreamState:
    failed: Failure | None = None
    ended: bool = False

    @property
    def stopped(self) -> bool:
        return self.ended or self.failed is not None


class _Source(Generic[B]):
    """Reads one batch ahead: what one stream has asked for stays there for the next."""

    def __init__(self, batches: AsyncIterable[B], progress: UploadProgress | None) -> None:
        self._batches: AsyncIterator[B] = aiter(batches)
        self._progress = progress
        self._ahead: asyncio.Task[B | None] | None = None
        self.exhausted = False
        self.failure: BaseException | None = None

    async def peek(self) -> B | None:
        if self._ahead is None:
            self._ahead = asyncio.create_task(self._next())
        # The stream may be cancelled; what it waits for is not.
        return await asyncio.shield(self._ahead)

    async def _next(self) -> B | None:
        try:
            async for batch in self._batches:
                if self._progress is None or batch.request_id not in self._progress:
                    return batch
        except Exception as error:
            self.failure = error
            raise
        self.exhausted = True
        return None

    def take(self) -> None:
        self._ahead = None

    async def leave(self) -> None:
        """Lets the source close what it holds."""
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.gather(self._ahead, return_exceptions=True)
        close = getattr(self._batches, "aclose", None)
        if close is not None:
            await close()


def way_of_series(connection: Connection) -> Way[SeriesBatch, BatchReceipt]:
    client = connection.service(IngestionServiceClient)
    if connection.streams_both_ways:
        stream = _streams(client.stream_series, lambda batch: StreamSeriesRequest(batch=batch))
    else:
        stream = _calls(lambda batch: client.create_series(CreateSeriesRequest(batch=batch)))
    return Way(stream, _has_stored)


def way_of_observations(connection: Connection) -> Way[ObservationBatch, BatchReceipt]:
    client = connection.service(IngestionServiceClient)
    if connection.streams_both_ways:
        stream = _streams(client.stream_observations, lambda batch: StreamObservationsRequest(batch=batch))
    else:
        stream = _calls(lambda batch: client.create_observations(CreateObservationsRequest(batch=batch)))
    return Way(stream, _has_stored)


def way_of_clinical_records(connection: Connection) -> Way[ClinicalBatch, ClinicalReceipt]:
    client = connection.service(ClinicalRecordsServiceClient)
    if connection.streams_both_ways:
        stream = _streams(
            client.stream_clinical_records, lambda batch: StreamClinicalRecordsRequest(batch=batch)
        )
    else:
        stream = _calls(lambda batch: client.write_clinical_records(WriteClinicalRecordsRequest(batch=batch)))
    return Way(stream, _has_rejected_none)


def _has_stored(receipt: BatchReceipt) -> bool:
    return receipt.batch != ""


def _has_rejected_none(receipt: ClinicalReceipt) -> bool:
    """What was rejected is judged afresh when it is sent again."""
    return all(one.status is not ClinicalOutcome.Status.REJECTED for one in receipt.outcomes)


def _streams(call: Callable[..., AsyncIterator[Any]], request_of: Callable[[Any], Any]) -> OpenStream:
    async def open_stream(batches: AsyncIterator[Any]) -> AsyncGenerator[_Reply]:
        async def requests() -> AsyncGenerator[Any]:
            async for batch in batches:
                yield request_of(batch)

        answers = call(requests())
        try:
            async for answer in answers:
                result = answer.result
                # None, or a kind of a later version: then it is no answer.
                known = {} if result is None else {result.field: result.value}
                yield _Reply(answer.request_id, known.get("receipt"), known.get("failure"))
        finally:
            await answers.aclose()  # type: ignore[attr-defined]

    return open_stream


def _calls(call: Callable[[Any], Any]) -> OpenStream:
    """For the gateway, which carries no streams of requests: a call a batch, side by side, with the answers of a stream."""

    async def one(batch: Any) -> _Reply:
        try:
            return _Reply(batch.request_id, receipt=(await call(batch)).receipt)
        except WellApiError as error:
            if error.code is Code.UNAUTHENTICATED:
                raise
            failure = failure_of_error(error)
            if error.transient:
                failure.retry_after_ms = max(1, failure.retry_after_ms)
            return _Reply(batch.request_id, failure=failure)

    async def open_stream(batches: AsyncIterator[Any]) -> AsyncGenerator[_Reply]:
        running: set[asyncio.Task[Any]] = set()
        following: asyncio.Task[Any] | None = None

        async def following_batch() -> Any:
            return await anext(batches, None)

        try:
            following = asyncio.create_task(following_batch())
            while running or following is not None:
                waiting = running | ({following} if following is not None else set())
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if following is not None and following in done:
                    done.discard(following)
                    batch = following.result()
                    following = None if batch is None else asyncio.create_task(following_batch())
                    if batch is not None:
                        running.add(asyncio.create_task(one(batch)))
                for task in done:
                    running.discard(task)
                    yield task.result()
        finally:
            left = [*running, *([following] if following is not None else [])]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    return open_stream
