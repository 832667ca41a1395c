"""Follows what arrives, over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from connectrpc.code import Code

from .connection import Connection
from .errors import WellApiError
from .records.v1.records_service_connect import RecordsServiceClient
from .records.v1.records_service_pb import WatchSeriesRequest, WatchSeriesResponse
from .retries import Backoff

_BACKOFF = Backoff(first=0.2, longest=10.0)


async def watch_series(
    connection: Connection,
    request: WatchSeriesRequest,
    *,
    on_cut: Callable[[WellApiError], None] | None = None,
) -> AsyncGenerator[WatchSeriesResponse]:
    """
    A watch that goes on after a cut, from the last resume token, until the server refuses it (then WellApiError) or its
    reader leaves. A batch that was cut comes again from its start, under the same `batch`; nothing else comes twice, and
    nothing is missing. `on_cut` is told of each cut before the pause, also where the server ended the stream without an error. Each message has the `resume_token` for a later watch (`request.resume_token`).
    """
    records = connection.service(RecordsServiceClient)
    asked = WatchSeriesRequest.from_binary(request.to_binary())
    attempt = 0
    while True:
        cut = WellApiError(Code.UNAVAILABLE, "UNAVAILABLE", "the server ended the watch")
        messages = records.watch_series(asked)
        try:
            async for message in messages:
                # A message of a later version may have none: forgetting the place would leave data out.
                if message.resume_token != "":
                    asked.resume_token = message.resume_token
                attempt = 0
                yield message
        except WellApiError as error:
            if not error.transient:
                raise
            cut = error
        finally:
            await messages.aclose()  # type: ignore[attr-defined]
        if on_cut is not None:
            on_cut(cut)
        attempt += 1
        await asyncio.sleep(_BACKOFF.before(attempt, cut.retry_after))
