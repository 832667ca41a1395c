"""Reads as iterators: streams, and lists page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from .connection import Connection
from .errors import ClientError
from .records.v1.records_pb import (
    MergedStretch,
    SeriesInfo,
    SourceAggregate,
    SourcedSeries,
    StoredObservation,
)
from .records.v1.records_service_connect import RecordsServiceClient
from .records.v1.records_service_pb import (
    AggregateSeriesRequest,
    ListObservationsRequest,
    ListSeriesRequest,
    MergeSeriesRequest,
    QuerySeriesRequest,
    ReadEnd,
    ReadSeriesRequest,
    ReadStart,
)

P = TypeVar("P")
T = TypeVar("T")
R = TypeVar("R")


async def paginate(
    read: Callable[[str], Awaitable[P]], items_of: Callable[[P], Sequence[T]]
) -> AsyncGenerator[T]:
    """
    The items of a list. `read` asks for the page of a token, the first one empty. The next page is asked for once all items
    before it were taken: who stops early causes no further call.
    """
    token = ""
    while True:
        page: Any = await read(token)
        for item in items_of(page):
            yield item
        if page.next_page_token == "":
            return
        if page.next_page_token == token:
            raise ClientError("cut", "the server names the same page twice: the list is not whole")
        token = page.next_page_token


class Reads:
    """The reads of a connection. Requests are those of the contract; page tokens are set here."""

    def __init__(self, connection: Connection) -> None:
        self._records = connection.service(RecordsServiceClient)

    async def read_series(
        self,
        request: ReadSeriesRequest,
        *,
        on_start: Callable[[ReadStart], None] | None = None,
        on_end: Callable[[ReadEnd], None] | None = None,
    ) -> AsyncGenerator[SourcedSeries]:
        """
        Streams the samples of one code, in bounded memory for any interval. The server decides anew for each message: a
        revocation ends the stream with WellApiError `CONSENT_REVOKED`. Raises ClientError `cut` if the answer ended early;
        samples are then missing.
        """
        ended = False
        messages = self._records.read_series(request)
        try:
            async for message in messages:
                payload = message.payload
                if payload is None:
                    continue  # A kind of a later version.
                if payload.field == "start" and on_start is not None:
                    on_start(payload.value)
                if payload.field == "series":
                    yield payload.value
                if payload.field == "end":
                    ended = True
                    if on_end is not None:
                        on_end(payload.value)
        finally:
            await messages.aclose()  # type: ignore[attr-defined]
        if not ended:
            raise ClientError("cut", "the answer was cut off: what came is not all; read again")

    def query_series(self, request: QuerySeriesRequest) -> AsyncGenerator[SourcedSeries]:
        """Reads samples in pages; each page is a call of its own, with an entry in the log."""
        return self._pages(self._records.query_series, request, lambda page: page.series)

    def list_series(self, request: ListSeriesRequest) -> AsyncGenerator[SeriesInfo]:
        """Lists the series of a patient that the caller may read."""
        return self._pages(self._records.list_series, request, lambda page: page.series)

    def aggregate_series(self, request: AggregateSeriesRequest) -> AsyncGenerator[SourceAggregate]:
        """Aggregates by bucket. A source whose buckets go on on the next page comes once a page."""
        return self._pages(self._records.aggregate_series, request, lambda page: page.aggregates)

    def merge_series(self, request: MergeSeriesRequest) -> AsyncGenerator[MergedStretch]:
        """One line of the samples of several devices, by the rule that the request names. A page's end parts a stretch."""
        return self._pages(self._records.merge_series, request, lambda page: page.stretches)

    def list_observations(self, request: ListObservationsRequest) -> AsyncGenerator[StoredObservation]:
        """Lists observations, the newest first unless the request says otherwise."""
        return self._pages(self._records.list_observations, request, lambda page: page.observations)

    def _pages(
        self, call: Callable[[R], Awaitable[P]], request: R, items_of: Callable[[P], Sequence[T]]
    ) -> AsyncGenerator[T]:
        def read(token: str) -> Awaitable[P]:
            # A copy: the caller's request stays as it was.
            asked: Any = type(request).from_binary(request.to_binary())  # type: ignore[attr-defined]
            asked.page_token = token
            return call(asked)

        return paginate(read, items_of)
