package dev.wellapi.client;

import dev.wellapi.client.connect.ConnectChannel;
import io.grpc.Channel;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;

/**
 * How a client calls. By `certificate` it calls the door (gRPC with mutual TLS: `https://localhost:7443`); by `apiKey`, by a
 * patient's `token`, as an OAuth client, or without any of them, the gateway (HTTP: `https://gateway.example`).
 */
public final class ClientBuilder {
  private final String url;
  private final List<ClientInterceptor> interceptors = new ArrayList<>();
  private Certificate certificate;
  private String apiKey;
  private String token;
  private OAuthClient oauth;
  private Optional<SSLContext> tls = Optional.empty();
  private Retries retries = Retries.DEFAULT;
  private Duration timeout = Duration.ofSeconds(30);
  private Duration keepAlive = Duration.ofSeconds(30);
  private Consumer<Deprecation> onDeprecation = Deprecations::warn;

  ClientBuilder(String url) {
    this.url = url.replaceAll("/+$", "");
  }

  public ClientBuilder certificate(Certificate certificate) {
    this.certificate = certificate;
    return this;
  }

  /** Of an application, or an operator's. */
  public ClientBuilder apiKey(String apiKey) {
    this.apiKey = secret(apiKey);
    return this;
  }

  /** A patient's. */
  public ClientBuilder token(String token) {
    this.token = secret(token);
    return this;
  }

  public ClientBuilder oauth(OAuthClient oauth) {
    this.oauth = oauth;
    return this;
  }

  /** The authority of the gateway's certificate in PEM, where it is none of the system's. */
  public ClientBuilder ca(String pem) {
    this.tls = Optional.of(Trust.in(pem));
    return this;
  }

  public ClientBuilder retries(Retries retries) {
    this.retries = retries;
    return this;
  }

  /** Of a single call; streams have none. 30 s unless given. */
  public ClientBuilder timeout(Duration timeout) {
    this.timeout = timeout;
    return this;
  }

  /** A ping after this much silence on a connection to the door; one without an answer for half as long ends it. 30 s unless given. */
  public ClientBuilder keepAlive(Duration silence) {
    this.keepAlive = silence;
    return this;
  }

  /**
   * Runs around each call, over the door and the gateway alike, the first one outermost: the client interceptor of OpenTelemetry's
   * `GrpcTelemetry`, or your own.
   */
  public ClientBuilder interceptor(ClientInterceptor interceptor) {
    interceptors.add(interceptor);
    return this;
  }

  /** Is told what calls use that will go, each name once. Unless given the logger `dev.wellapi` warns. */
  public ClientBuilder onDeprecation(Consumer<Deprecation> tell) {
    this.onDeprecation = tell;
    return this;
  }

  /** Opens no connection: the first call does. After a connection has ended, the next call opens another. */
  public Client build() {
    if (Stream.of(certificate, apiKey, token, oauth).filter(one -> one != null).count() > 1) {
      throw new ClientException(ClientException.Code.INPUT, "give one of certificate, apiKey, token and oauth");
    }
    return new Client(certificate == null ? gateway() : door());
  }

  private Connection door() {
    ManagedChannel channel;
    try (InputStream cert = bytes(certificate.cert());
        InputStream key = bytes(certificate.key());
        InputStream ca = bytes(certificate.ca())) {
      channel =
          Grpc.newChannelBuilder(
                  URI.create(url).getAuthority(),
                  TlsChannelCredentials.newBuilder().keyManager(cert, key).trustManager(ca).build())
              .keepAliveTime(keepAlive.toMillis(), TimeUnit.MILLISECONDS)
              .keepAliveTimeout(keepAlive.toMillis() / 2, TimeUnit.MILLISECONDS)
              .maxInboundMessageSize(ConnectChannel.LARGEST_MESSAGE_BYTES)
              // gRPC repeats on its own what it thinks was not begun: here each repetition is counted, told and paid for.
              .disableRetry()
              .build();
    } catch (IOException | RuntimeException malformed) {
      // Without the cause, which may show the key.
      throw new ClientException(ClientException.Code.INPUT, "the certificate, its key or its authority is not in PEM");
    }
    return new Connection(intercepted(channel), channel::shutdownNow, true, retries, timeout);
  }

  private Connection gateway() {
    String fixed = apiKey == null ? token : apiKey;
    Supplier<String> tokens = oauth != null ? new TokenSource(oauth, url, tls) : fixed == null ? null : () -> fixed;
    ConnectChannel channel = new ConnectChannel(URI.create(url), tokens, tls);
    return new Connection(intercepted(channel), channel::close, false, retries, timeout);
  }

  private Channel intercepted(Channel channel) {
    List<ClientInterceptor> all = new ArrayList<>(interceptors);
    all.add(new Deprecations(onDeprecation));
    return ClientInterceptors.interceptForward(channel, all);
  }

  private static InputStream bytes(String pem) {
    return new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII));
  }

  /** Refuses what no header can carry, without showing it. */
  private static String secret(String secret) {
    if (!secret.matches("[\\x21-\\x7e]+")) {
      throw new ClientException(
          ClientException.Code.INPUT, "the API key or token is not one: it is empty, or has spaces or lines");
    }
    return secret;
  }
}
