"""How calls reach the exchange: the door by certificate, the gateway by key, token or OAuth client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from connectrpc.client import ConnectClient, ResponseMetadata
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo
from connectrpc.protocol import ProtocolType
from pyqwest import Client as HttpClient
from pyqwest import HTTPTransport, HTTPVersion

from .deprecations import Deprecation, Deprecations
from .errors import ClientError, WellApiError, error_of_call
from .retries import Retries

S = TypeVar("S", bound=ConnectClient)

Token = Callable[[], Awaitable[str]]
"""Gives the token for a call."""

# More than the door accepts, so that the door reports a message that is too large.
_LARGEST_MESSAGE_BYTES = 16 * 1_048_576
_REQUEST_ID_HEADER = "x-request-id"


@dataclass(frozen=True)
class Certificate:
    """PEM texts: the application's certificate, its private key, and the authority that signed the server's certificate."""

    cert: bytes
    key: bytes
    ca: bytes

    @classmethod
    def from_folder(cls, folder: str | Path) -> Certificate:
        """Reads cert.pem, key.pem and ca.pem, as `wellapi credential issue --out` writes them."""
        read = Path(folder)
        return cls(*(read.joinpath(f"{name}.pem").read_bytes() for name in ("cert", "key", "ca")))

    def __repr__(self) -> str:
        return "Certificate(...)"


class Connection:
    """Makes generated clients whose calls raise WellApiError. Of one event loop."""

    def __init__(
        self,
        url: str,
        *,
        certificate: Certificate | None = None,
        token: Token | None = None,
        ca: bytes | None = None,
        retries: Retries,
        timeout: float,
        on_deprecation: Callable[[Deprecation], None] | None = None,
    ) -> None:
        self.streams_both_ways = certificate is not None
        """Only the door carries streams of requests: the gateway speaks HTTP/1.1."""
        self._url = url.rstrip("/")
        self._token = token
        # A budget of its own, also where two clients are given the same object.
        self._retries = replace(retries)
        self._timeout_ms = round(timeout * 1000)
        self._deprecations = Deprecations(on_deprecation)
        self._protocol = ProtocolType.CONNECT if certificate is None else ProtocolType.GRPC
        # A redirect would carry the credential to where nobody has checked.
        if certificate is None:
            transport = HTTPTransport(
                tls_ca_cert=ca, tls_include_system_certs=ca is None, follow_redirects=False
            )
        else:
            transport = HTTPTransport(
                tls_ca_cert=certificate.ca,
                # It is joined with the key: without a newline at its end neither can be read.
                tls_cert=certificate.cert.rstrip() + b"\n",
                tls_key=certificate.key,
                http_version=HTTPVersion.HTTP2,
                follow_redirects=False,
            )
        self._transport = transport
        self._http = HttpClient(transport)

    async def close(self) -> None:
        """Ends its connections. One that is open while the program ends may abort it: its threads are not Python's."""
        await self._transport.aclose()

    def service(self, generated: type[S]) -> S:
        """A generated client (`RecordsServiceClient`) on this connection."""
        client = _typed(generated)(
            self._url,
            protocol=self._protocol,
            http_client=self._http,
            read_max_bytes=_LARGEST_MESSAGE_BYTES,
            send_compression=None,
        )
        client._connection = self  # type: ignore[attr-defined]
        return client

    async def headers(self, headers: Any) -> dict[str, str]:
        mine = dict(headers or {})
        if self._token is not None:
            mine["authorization"] = f"Bearer {await self._token()}"
        return mine

    async def unary(
        self,
        call: Callable[..., Awaitable[Any]],
        method: MethodInfo,
        request: Any,
        headers: Any,
        timeout_ms: int | None,
    ) -> Any:
        """A call, repeated as `Retries` says."""
        safe = method.idempotency_level is not IdempotencyLevel.UNKNOWN or bool(
            getattr(request, "request_id", "")
        )
        attempt = 0
        while True:
            attempt += 1
            answer = _Answer()
            try:
                with answer:
                    done = await call(
                        request=request,
                        method=method,
                        headers=await self.headers(headers),
                        timeout_ms=self._timeout_ms if timeout_ms is None else timeout_ms,
                    )
                self._retries.succeeded()
                self._deprecations.look(answer.headers)
                return done
            except ConnectError as caught:
                error = answer.error(caught)
                self._deprecations.look(answer.headers)
                wait = None
                if safe and error.transient and error.code is not Code.DEADLINE_EXCEEDED:
                    wait = self._retries.wait_before(attempt, error.retry_after)
                if wait is None:
                    raise error from caught
            await asyncio.sleep(wait)

    async def stream(
        self,
        call: Callable[..., AsyncIterator[Any]],
        method: MethodInfo,
        request: Any,
        headers: Any,
        timeout_ms: int | None,
    ) -> AsyncGenerator[Any]:
        """A stream of answers. It is never repeated here: what came cannot be told from what comes again."""
        messages = call(
            request=request, method=method, headers=await self.headers(headers), timeout_ms=timeout_ms
        )
        request_id: str | None = None
        first = True
        try:
            while True:
                # Not around the loop: between two messages the context is the caller's.
                with _Answer() as answer:
                    try:
                        message = await anext(messages)
                    except StopAsyncIteration:
                        return
                    except ConnectError as caught:
                        error = answer.error(caught, request_id)
                        self._deprecations.look(answer.headers)
                        raise error from caught
                    request_id = request_id or answer.request_id
                if first:
                    self._deprecations.look(answer.headers)
                first = False
                yield message
        finally:
            await messages.aclose()  # type: ignore[attr-defined]


class _Answer(ResponseMetadata):
    """Notes the headers of an answer, and gives the typed error of one that failed."""

    @property
    def request_id(self) -> str | None:
        return self.headers.get(_REQUEST_ID_HEADER)

    def error(self, caught: ConnectError, request_id: str | None = None) -> WellApiError:
        """The typed error; raises the caller's own cancellation instead."""
        # connectrpc 0.13.0 hides the cancellation of its caller in an error, which breaks asyncio.timeout and task groups.
        if isinstance(caught.__cause__, asyncio.CancelledError):
            raise caught.__cause__
        return error_of_call(caught, request_id or self.request_id)


class _TypedCalls:
    """Before a generated class: its calls go through the connection."""

    _connection: Connection

    async def execute_unary(self, *, request, method, headers=None, timeout_ms=None, use_get=False):
        # Never as GET: the request would stand in the URL, and so in other people's logs.
        return await self._connection.unary(super().execute_unary, method, request, headers, timeout_ms)  # type: ignore[misc]

    def execute_server_stream(self, *, request, method, headers=None, timeout_ms=None):
        return self._connection.stream(super().execute_server_stream, method, request, headers, timeout_ms)  # type: ignore[misc]

    def execute_bidi_stream(self, *, request, method, headers=None, timeout_ms=None):
        return self._connection.stream(super().execute_bidi_stream, method, request, headers, timeout_ms)  # type: ignore[misc]


@cache
def _typed(generated: type[S]) -> type[S]:
    return type(generated.__name__, (_TypedCalls, generated), {})


def fixed_token(secret: str) -> Token:
    """An API key or a patient's token. Refuses what no header can carry, without showing it."""
    if re.fullmatch(r"[\x21-\x7e]+", secret) is None:
        raise ClientError("input", "the API key or token is not one: it is empty, or has spaces or lines")

    async def token() -> str:
        return secret

    return token
