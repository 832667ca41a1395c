package dev.wellapi.client;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSSignerFactory;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.JWTAuthenticationClaimsSet;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.Audience;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.JWTID;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import io.grpc.Status;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;

/** The current access token of an OAuth client. Calls side by side that find it at its end ask for one. */
final class TokenSource implements Supplier<String> {
  private static final int TIMEOUT_MS = 30_000;
  /** The server takes no assertion that lasts longer than five minutes. */
  private static final Duration ASSERTION_LASTS = Duration.ofSeconds(60);

  private final OAuthClient client;
  private final String issuer;
  private final Optional<SSLContext> tls;
  private final JWK key;
  private final JWSAlgorithm algorithm;
  private URI endpoint;
  private String token;
  private Instant replacedAt = Instant.MIN;

  TokenSource(OAuthClient client, String url, Optional<SSLContext> tls) {
    this.client = client;
    this.issuer = client.issuer().orElse(url).replaceAll("/+$", "");
    this.tls = tls;
    try {
      key = JWK.parse(client.privateJwk());
      algorithm = JWSAlgorithm.parse(key.getAlgorithm().getName());
      if (key.getKeyID() == null || !key.isPrivate()) throw new IllegalArgumentException();
    } catch (java.text.ParseException | RuntimeException malformed) {
      // Without the cause, which may show the key.
      throw new ClientException(
          ClientException.Code.INPUT, "the private key is no JSON Web Key with a kid and an alg");
    }
  }

  @Override
  public synchronized String get() {
    if (!Instant.now().isBefore(replacedAt)) renew();
    return token;
  }

  private void renew() {
    try {
      if (endpoint == null) endpoint = discover();
      TokenRequest request =
          new TokenRequest.Builder(endpoint, assertion(), new ClientCredentialsGrant())
              .scope(Scope.parse(client.scope()))
              .build();
      TokenResponse answer = TokenResponse.parse(sent(request.toHTTPRequest()));
      if (!answer.indicatesSuccess()) throw refused(answer.toErrorResponse().getErrorObject());
      AccessToken given = answer.toSuccessResponse().getTokens().getAccessToken();
      token = given.getValue();
      replacedAt = Instant.now().plusSeconds(given.getLifetime()).minus(client.renewBefore());
    } catch (IOException | ParseException unreached) {
      throw WellApiException.local(
          Status.Code.UNAVAILABLE, "UNAVAILABLE", "the token endpoint does not answer", unreached);
    }
  }

  private static WellApiException refused(ErrorObject error) {
    String reason = error.getCode() == null ? "UNAUTHENTICATED" : error.getCode().toUpperCase(Locale.ROOT);
    String text = error.getDescription() == null ? "the token was refused" : error.getDescription();
    boolean failed = error.getHTTPStatusCode() >= 500;
    return WellApiException.local(
        failed ? Status.Code.UNAVAILABLE : Status.Code.UNAUTHENTICATED, reason, text, null);
  }

  private URI discover() throws IOException, ParseException {
    HTTPRequest request =
        new HTTPRequest(HTTPRequest.Method.GET, URI.create(issuer + "/.well-known/openid-configuration"));
    HTTPResponse answer = sent(request);
    if (!answer.indicatesSuccess()) throw new IOException("HTTP " + answer.getStatusCode());
    AuthorizationServerMetadata metadata = AuthorizationServerMetadata.parse(answer.getBody());
    // RFC 8414, 3.3: another issuer's metadata would send the assertion elsewhere.
    if (!metadata.getIssuer().getValue().equals(issuer) || metadata.getTokenEndpointURI() == null) {
      throw new ClientException(
          ClientException.Code.INPUT, issuer + " is not the issuer: name it as the server does");
    }
    return metadata.getTokenEndpointURI();
  }

  private HTTPResponse sent(HTTPRequest request) throws IOException {
    request.setConnectTimeout(TIMEOUT_MS);
    request.setReadTimeout(TIMEOUT_MS);
    // A redirect would carry the assertion to where nobody has checked.
    request.setFollowRedirects(false);
    tls.ifPresent(context -> request.setSSLSocketFactory(context.getSocketFactory()));
    return request.send();
  }

  private PrivateKeyJWT assertion() {
    Instant now = Instant.now();
    JWTAuthenticationClaimsSet claims =
        new JWTAuthenticationClaimsSet(
            new ClientID(client.clientId()),
            List.of(new Audience(issuer)),
            Date.from(now.plus(ASSERTION_LASTS)),
            null,
            Date.from(now),
            new JWTID());
    try {
      JWSHeader header = new JWSHeader.Builder(algorithm).keyID(key.getKeyID()).build();
      SignedJWT signed = new SignedJWT(header, claims.toJWTClaimsSet());
      signed.sign(new DefaultJWSSignerFactory().createJWSSigner(key, algorithm));
      return new PrivateKeyJWT(signed);
    } catch (JOSEException | RuntimeException unusable) {
      throw new ClientException(
          ClientException.Code.INPUT, "the private key cannot sign by its alg: use ES256, ES384, PS384 or RS384");
    }
  }
}
