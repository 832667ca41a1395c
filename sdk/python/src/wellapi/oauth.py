"""An OAuth client that proves itself by its key (RFC 7523, `private_key_jwt`) and gets tokens for itself."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any

from .errors import ClientError


@dataclass(frozen=True)
class OAuthClient:
    """
    An application that is registered with the grant type `client_credentials`. Needs the extra `wellapi[oauth]`.
    """

    client_id: str
    """The application's id, `app_...`."""
    private_jwk: str
    """Its private key as a JSON Web Key, with `kid` and `alg` (ES256, ES384, PS384, RS384 or EdDSA)."""
    scope: str
    """`system/Observation.cruds`, or less."""
    issuer: str | None = None
    """The gateway's URL by the name that it has in tokens. By default the URL of the client."""
    renew_before: int = 60
    """Seconds before its end at which a token is replaced."""

    def __repr__(self) -> str:
        return f"OAuthClient({self.client_id})"


class TokenSource:
    """The current access token of a client. Of one event loop."""

    def __init__(self, client: OAuthClient, url: str, ca: bytes | None = None) -> None:
        try:
            from authlib.integrations.httpx_client import AsyncOAuth2Client
            from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
            from joserfc.jwk import import_key
        except ImportError as missing:
            raise ClientError(
                "input", f"OAuth clients need {missing.name}: pip install 'wellapi[oauth]'"
            ) from missing
        try:
            jwk: dict[str, Any] = json.loads(client.private_jwk)
            key = import_key(jwk)
            algorithm, kid = jwk["alg"], jwk["kid"]
        except (ValueError, KeyError, TypeError):
            # Without the cause, which may show the key.
            raise ClientError("input", "the private key is no JSON Web Key with a kid and an alg") from None
        self._client = client
        self._issuer = (client.issuer or url).rstrip("/")
        self._endpoint: str | None = None
        self._lock = asyncio.Lock()
        self._session = AsyncOAuth2Client(
            client.client_id,
            key,
            token_endpoint_auth_method="private_key_jwt",
            leeway=client.renew_before,
            verify=ssl.create_default_context(cadata=None if ca is None else ca.decode()),
        )
        issuer = self._issuer

        class Assertion(PrivateKeyJWT):
            """For the issuer as its audience, and for a minute: the server takes none that lasts longer than five."""

            def sign(self, auth: Any, token_endpoint: str) -> Any:
                return private_key_jwt_sign(
                    key,
                    client_id=auth.client_id,
                    token_endpoint=issuer,
                    alg=algorithm,
                    header={"kid": kid},
                    expires_in=60,
                )

        self._session.register_client_auth_method(Assertion())

    async def __call__(self) -> str:
        # One at a time: many calls that find a token at its end ask for one.
        async with self._lock:
            token = self._session.token
            if not token or token.is_expired(leeway=self._client.renew_before):
                await self._renew()
            return self._session.token["access_token"]

    async def _renew(self) -> None:
        import httpx2
        from authlib.integrations.base_client import OAuthError
        from connectrpc.code import Code

        from .errors import WellApiError

        try:
            if self._endpoint is None:
                self._endpoint = await self._discover()
            await self._session.fetch_token(
                self._endpoint, grant_type="client_credentials", scope=self._client.scope
            )
        except OAuthError as error:
            raise WellApiError(
                Code.UNAUTHENTICATED,
                (error.error or "").upper(),
                error.description or "the token was refused",
            ) from None
        except (httpx2.TransportError, httpx2.HTTPStatusError) as error:
            raise WellApiError(
                Code.UNAVAILABLE, "UNAVAILABLE", "the token endpoint does not answer"
            ) from error

    async def _discover(self) -> str:
        found = await self._session.request(
            "GET", f"{self._issuer}/.well-known/openid-configuration", withhold_token=True
        )
        found.raise_for_status()
        try:
            metadata = dict(found.json())
        except (ValueError, TypeError):
            metadata = {}
        # RFC 8414, 3.3: another issuer's metadata would send the assertion elsewhere.
        if metadata.get("issuer") != self._issuer or "token_endpoint" not in metadata:
            raise ClientError("input", f"{self._issuer} is not the issuer: name it as the server does")
        return metadata["token_endpoint"]

    async def close(self) -> None:
        await self._session.aclose()
