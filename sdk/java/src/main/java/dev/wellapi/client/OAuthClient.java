package dev.wellapi.client;

import java.time.Duration;
import java.util.Optional;

/**
 * An application that is registered with the grant type `client_credentials`, and proves itself by its key (RFC 7523,
 * `private_key_jwt`).
 *
 * @param clientId the application's id, `app_...`
 * @param privateJwk its private key as a JSON Web Key, with `kid` and `alg` (ES256, ES384, PS384 or RS384)
 * @param scope `system/Observation.cruds`, or less
 * @param issuer the gateway's URL by the name that it has in tokens; absent: the URL of the client
 * @param renewBefore how long before its end a token is replaced
 */
public record OAuthClient(
    String clientId, String privateJwk, String scope, Optional<String> issuer, Duration renewBefore) {
  public OAuthClient(String clientId, String privateJwk, String scope) {
    this(clientId, privateJwk, scope, Optional.empty(), Duration.ofSeconds(60));
  }

  public OAuthClient withIssuer(String issuer) {
    return new OAuthClient(clientId, privateJwk, scope, Optional.of(issuer), renewBefore);
  }

  public OAuthClient withRenewBefore(Duration renewBefore) {
    return new OAuthClient(clientId, privateJwk, scope, issuer, renewBefore);
  }

  @Override
  public String toString() {
    return "OAuthClient[" + clientId + "]";
  }
}
