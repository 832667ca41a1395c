"""
The client without asyncio. An event loop in a thread of its own does the work: so a read that waits can be interrupted by
Ctrl-C, and left from another thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from connectrpc.client import ConnectClient, ConnectClientSync

from .client import AsyncClient
from .connection import Certificate
from .deprecations import Deprecation
from .errors import WellApiError
from .ingestion.v1.ingestion_pb import BatchReceipt, ObservationBatch, SeriesBatch
from .oauth import OAuthClient
from .records.v1.clinical_records_pb import ClinicalBatch, ClinicalReceipt
from .records.v1.records_pb import (
    MergedStretch,
    SeriesInfo,
    SourceAggregate,
    SourcedSeries,
    StoredObservation,
)
from .records.v1.records_service_pb import (
    AggregateSeriesRequest,
    ListObservationsRequest,
    ListSeriesRequest,
    MergeSeriesRequest,
    QuerySeriesRequest,
    ReadEnd,
    ReadSeriesRequest,
    ReadStart,
    WatchSeriesRequest,
    WatchSeriesResponse,
)
from .retries import Retries
from .upload import Answer, UploadOptions

if TYPE_CHECKING:
    from .log_verifier import VerifiedAccess

T = TypeVar("T")
B = TypeVar("B")
S = TypeVar("S", bound=ConnectClientSync)

_END: Any = object()


class Client:
    """As `AsyncClient`, with calls that wait. Of any number of threads; an iterator is of one at a time."""

    def __init__(
        self,
        url: str,
        *,
        certificate: Certificate | None = None,
        api_key: str | None = None,
        token: str | None = None,
        oauth: OAuthClient | None = None,
        ca: bytes | None = None,
        retries: Retries | None = None,
        timeout: float = 30.0,
        on_deprecation: Callable[[Deprecation], None] | None = None,
    ) -> None:
        self._loop = _Loop()

        async def make() -> AsyncClient:
            return AsyncClient(
                url,
                certificate=certificate,
                api_key=api_key,
                token=token,
                oauth=oauth,
                ca=ca,
                retries=retries,
                timeout=timeout,
                on_deprecation=on_deprecation,
            )

        try:
            self._client = self._loop.run(make())
        except BaseException:
            self._loop.close()
            raise

    def service(self, generated: type[S]) -> S:
        """Any RPC: `client.service(ConsentServiceClientSync).list_consents(ListConsentsRequest())`. Calls raise WellApiError."""
        blocking = _blocking(generated)("")
        blocking._loop = self._loop  # type: ignore[attr-defined]
        blocking._client = self._client.service(ConnectClient)  # type: ignore[attr-defined]
        return blocking

    def upload_series(
        self, batches: Iterable[SeriesBatch], **options: Unpack[UploadOptions]
    ) -> Generator[Answer[SeriesBatch, BatchReceipt]]:
        """
        As `AsyncClient.upload_series`. The source is read in the thread that takes the answers, so an answer waits while the
        source does; answers that came are given first. `on_cut` and the progress are called in the client's own thread.
        """
        return self._loop.iterate_with_source(
            batches, lambda source: self._client.upload_series(source, **options)
        )

    def upload_observations(
        self, batches: Iterable[ObservationBatch], **options: Unpack[UploadOptions]
    ) -> Generator[Answer[ObservationBatch, BatchReceipt]]:
        """As `upload_series`, for single observations."""
        return self._loop.iterate_with_source(
            batches, lambda source: self._client.upload_observations(source, **options)
        )

    def upload_clinical_records(
        self, batches: Iterable[ClinicalBatch], **options: Unpack[UploadOptions]
    ) -> Generator[Answer[ClinicalBatch, ClinicalReceipt]]:
        """As `upload_series`, for clinical records. A batch counts as stored once none of its items was rejected."""
        return self._loop.iterate_with_source(
            batches, lambda source: self._client.upload_clinical_records(source, **options)
        )

    def watch_series(
        self, request: WatchSeriesRequest, *, on_cut: Callable[[WellApiError], None] | None = None
    ) -> Generator[WatchSeriesResponse]:
        """As `AsyncClient.watch_series`; `on_cut` is called in the client's own thread. `Client.close` ends it."""
        return self._loop.iterate(lambda: self._client.watch_series(request, on_cut=on_cut))

    def read_series(
        self,
        request: ReadSeriesRequest,
        *,
        on_start: Callable[[ReadStart], None] | None = None,
        on_end: Callable[[ReadEnd], None] | None = None,
    ) -> Generator[SourcedSeries]:
        """As `AsyncClient.read_series`; the callbacks are called in the client's own thread."""
        return self._loop.iterate(lambda: self._client.read_series(request, on_start=on_start, on_end=on_end))

    def query_series(self, request: QuerySeriesRequest) -> Generator[SourcedSeries]:
        """As `AsyncClient.query_series`."""
        return self._loop.iterate(lambda: self._client.query_series(request))

    def list_series(self, request: ListSeriesRequest) -> Generator[SeriesInfo]:
        """As `AsyncClient.list_series`."""
        return self._loop.iterate(lambda: self._client.list_series(request))

    def aggregate_series(self, request: AggregateSeriesRequest) -> Generator[SourceAggregate]:
        """As `AsyncClient.aggregate_series`."""
        return self._loop.iterate(lambda: self._client.aggregate_series(request))

    def merge_series(self, request: MergeSeriesRequest) -> Generator[MergedStretch]:
        """As `AsyncClient.merge_series`."""
        return self._loop.iterate(lambda: self._client.merge_series(request))

    def list_observations(self, request: ListObservationsRequest) -> Generator[StoredObservation]:
        """As `AsyncClient.list_observations`."""
        return self._loop.iterate(lambda: self._client.list_observations(request))

    def verify_logged_access(self, access: str, verifier_key: str) -> VerifiedAccess:
        """As `log_verifier.verify_logged_access`."""
        from .log_verifier import verify_logged_access

        return self._loop.run(verify_logged_access(self._client, access, verifier_key))

    def verify_log_growth(self, older: str, verifier_key: str) -> tuple[int, int]:
        """As `log_verifier.verify_log_growth`."""
        from .log_verifier import verify_log_growth

        return self._loop.run(verify_log_growth(self._client, older, verifier_key))

    def close(self) -> None:
        """Ends the calls that are open, in whatever thread, with concurrent.futures.CancelledError."""
        self._loop.close(self._client.close())

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class _Loop:
    """An event loop in a thread of its own, and generators of it that other threads take from."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._gate = threading.Lock()
        self._closed = False
        # A daemon: a program that forgets to close the client can end.
        self._thread = threading.Thread(target=self._loop.run_forever, name="wellapi", daemon=True)
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("a callback cannot wait for the client that calls it")
        with self._gate:
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        raise RuntimeError("the client is closed")

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        future = self.submit(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C ends the call, too.
            raise

    def iterate(self, make: Callable[[], AsyncGenerator[T]]) -> Generator[T]:
        steps = _Steps(make())
        try:
            while (item := self.run(steps.following())) is not _END:
                yield item
        finally:
            self._leave(steps)

    def iterate_with_source(
        self, source: Iterable[B], make: Callable[[AsyncIterator[B]], AsyncGenerator[T]]
    ) -> Generator[T]:
        """The thread that takes the items reads the source as well: a source may belong to its thread, as a cursor does."""
        wanted: SimpleQueue[Any] = SimpleQueue()
        reader: Iterator[B] = iter(source)

        async def items() -> AsyncGenerator[B]:
            while True:
                answer = asyncio.get_running_loop().create_future()
                wanted.put(answer)
                item = await answer
                if item is _END:
                    return
                yield item

        steps = _Steps(make(items()))
        following: Future[Any] | None = None
        try:
            while True:
                if following is None:
                    following = self.submit(steps.following())
                    following.add_done_callback(wanted.put)
                event = wanted.get()
                if event is following:
                    item = following.result()
                    following = None
                    if item is _END:
                        return
                    yield item
                elif following.done():
                    wanted.put(event)  # What came is given first.
                else:
                    self._give(event, reader)
        finally:
            if following is not None:
                following.cancel()
            self._leave(steps)
            close = getattr(reader, "close", None)
            if close is not None:
                close()

    def _give(self, answer: asyncio.Future[Any], reader: Iterator[Any]) -> None:
        try:
            item = next(reader, _END)
        except Exception as error:
            self._loop.call_soon_threadsafe(_fail, answer, error)
        else:
            self._loop.call_soon_threadsafe(_resolve, answer, item)

    def _leave(self, steps: _Steps[Any]) -> None:
        with suppress(RuntimeError):  # Closed: then all generators are.
            self.submit(steps.leave()).result()

    def close(self, last: Coroutine[Any, Any, None] | None = None) -> None:
        if threading.current_thread() is self._thread:
            if last is not None:
                last.close()
            raise RuntimeError("a callback cannot wait for the client that calls it")

        async def end() -> None:
            if last is not None:
                await last
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await self._loop.shutdown_asyncgens()

        # What was submitted before runs before, so that it is cancelled and nobody waits for it for ever.
        with self._gate:
            first, self._closed = not self._closed, True
            ended = asyncio.run_coroutine_threadsafe(end(), self._loop) if first else None
        if ended is None:
            if last is not None:
                last.close()
            self._thread.join()
            return
        ended.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Steps(Generic[T]):
    """One step of a generator at a time: who leaves waits for a step that was cancelled to be on its way out."""

    def __init__(self, generator: AsyncGenerator[T]) -> None:
        self._generator = generator
        self._one = asyncio.Lock()

    async def following(self) -> T:
        async with self._one:
            return await anext(self._generator, _END)

    async def leave(self) -> None:
        async with self._one:
            await self._generator.aclose()


def _resolve(answer: asyncio.Future[Any], item: Any) -> None:
    if not answer.done():
        answer.set_result(item)


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


class _BlockingCalls:
    """Before a generated class for threads: its calls are made by the event loop."""

    _loop: _Loop
    _client: ConnectClient

    def execute_unary(self, *, request, method, headers=None, timeout_ms=None, use_get=False):
        call = self._client.execute_unary(
            request=request, method=method, headers=headers, timeout_ms=timeout_ms
        )
        return self._loop.run(call)

    def execute_server_stream(self, *, request, method, headers=None, timeout_ms=None):
        call = self._client.execute_server_stream
        return self._loop.iterate(
            lambda: call(request=request, method=method, headers=headers, timeout_ms=timeout_ms)
        )

    def execute_bidi_stream(self, *, request, method, headers=None, timeout_ms=None):
        call = self._client.execute_bidi_stream
        return self._loop.iterate_with_source(
            request,
            lambda source: call(request=source, method=method, headers=headers, timeout_ms=timeout_ms),
        )


@cache
def _blocking(generated: type[S]) -> type[S]:
    return type(generated.__name__, (_BlockingCalls, generated), {})
