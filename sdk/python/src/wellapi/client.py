"""The client for asyncio. `blocking.Client` is the same for everybody else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Any, TypeVar, Unpack

from connectrpc.client import ConnectClient

from .connection import Certificate, Connection, fixed_token
from .deprecations import Deprecation
from .errors import ClientError, WellApiError
from .ingestion.v1.ingestion_pb import BatchReceipt, ObservationBatch, SeriesBatch
from .oauth import OAuthClient, TokenSource
from .reads import Reads
from .records.v1.clinical_records_pb import ClinicalBatch, ClinicalReceipt
from .records.v1.records_service_pb import WatchSeriesRequest, WatchSeriesResponse
from .retries import Retries
from .upload import Answer, Upload, UploadOptions, way_of_clinical_records, way_of_observations, way_of_series
from .watch import watch_series

S = TypeVar("S", bound=ConnectClient)


class AsyncClient(Reads):
    """
    Calls the exchange. By `certificate` it calls the door (gRPC with mutual TLS: `https://localhost:7443`); by `api_key`, by a
    patient's `token`, as an OAuth client, or without any of them, the gateway (HTTP: `https://gateway.example`).

    `ca` is the authority of the gateway's certificate in PEM, where it is none of the system's. `timeout` is of a single call,
    in seconds; streams have none. `on_deprecation` is told what calls use that will go, each name once; without it the logger `wellapi`
    warns. Of one event loop.
    """

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
        if sum(one is not None for one in (certificate, api_key, token, oauth)) > 1:
            raise ClientError("input", "give one of certificate, api_key, token and oauth")
        self._tokens = None if oauth is None else TokenSource(oauth, url, ca)
        secret = api_key if api_key is not None else token
        self._connection = Connection(
            url,
            certificate=certificate,
            token=self._tokens
            if self._tokens is not None
            else None
            if secret is None
            else fixed_token(secret),
            ca=ca,
            retries=retries or Retries(),
            timeout=timeout,
            on_deprecation=on_deprecation,
        )
        super().__init__(self._connection)

    def service(self, generated: type[S]) -> S:
        """Any RPC: `client.service(ConsentServiceClient).list_consents(ListConsentsRequest())`. Calls raise WellApiError."""
        return self._connection.service(generated)

    def upload_series(
        self, batches: AsyncIterable[SeriesBatch], **options: Unpack[UploadOptions]
    ) -> AsyncGenerator[Answer[SeriesBatch, BatchReceipt]]:
        """
        Sends batches and gives the answer to each, in any order. A batch is answered once it is durable; one without an
        answer is sent again under its `request_id`, on a new stream, and stored once. The source is asked for no more than
        the window ahead of the answers: who takes no answers is asked for no batches. A refusal ends the upload at once.
        """
        return Upload(way_of_series(self._connection), batches, **options).run()

    def upload_observations(
        self, batches: AsyncIterable[ObservationBatch], **options: Unpack[UploadOptions]
    ) -> AsyncGenerator[Answer[ObservationBatch, BatchReceipt]]:
        """As `upload_series`, for single observations."""
        return Upload(way_of_observations(self._connection), batches, **options).run()

    def upload_clinical_records(
        self, batches: AsyncIterable[ClinicalBatch], **options: Unpack[UploadOptions]
    ) -> AsyncGenerator[Answer[ClinicalBatch, ClinicalReceipt]]:
        """As `upload_series`, for clinical records. A batch counts as stored once none of its items was rejected."""
        return Upload(way_of_clinical_records(self._connection), batches, **options).run()

    def watch_series(
        self, request: WatchSeriesRequest, *, on_cut: Callable[[WellApiError], None] | None = None
    ) -> AsyncGenerator[WatchSeriesResponse]:
        """As `watch.watch_series`."""
        return watch_series(self._connection, request, on_cut=on_cut)

    async def close(self) -> None:
        """Ends the client's connections, and the calls on them."""
        if self._tokens is not None:
            await self._tokens.close()
        await self._connection.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()
