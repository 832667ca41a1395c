package dev.wellapi.client.connect;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;

/**
 * The gateway as a channel of gRPC, so that generated stubs and interceptors work on both doors: the Connect protocol
 * (https://connectrpc.com/docs/protocol) over HTTP/1.1. Single calls and streams of answers; a stream of requests is UNIMPLEMENTED.
 * A call takes a thread while it runs. Of the library itself: others call by `Client`.
 */
public final class ConnectChannel extends Channel implements AutoCloseable {
  /** More than either door accepts, so that it reports a message that is too large. */
  public static final int LARGEST_MESSAGE_BYTES = 16 * 1_048_576;

  final HttpClient http;
  final URI url;
  /** Gives the bearer token of a call; null: none. What it throws ends the call, as it is. */
  final Supplier<String> token;
  final ExecutorService threads;
  final ScheduledThreadPoolExecutor deadlines;
  private final Set<ConnectCall<?, ?>> running = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  public ConnectChannel(URI url, Supplier<String> token, Optional<SSLContext> tls) {
    this.url = url;
    this.token = token;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(20))
            // A redirect would carry the credential to where nobody has checked.
            .followRedirects(HttpClient.Redirect.NEVER);
    Optional.ofNullable(ProxySelector.getDefault()).ifPresent(builder::proxy);
    tls.ifPresent(builder::sslContext);
    http = builder.build();
    ThreadFactory daemons =
        task -> {
          Thread thread = new Thread(task, "wellapi-gateway");
          thread.setDaemon(true);
          return thread;
        };
    threads = Executors.newCachedThreadPool(daemons);
    deadlines = new ScheduledThreadPoolExecutor(1, daemons);
    deadlines.setRemoveOnCancelPolicy(true);
  }

  @Override
  public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
    return new ConnectCall<>(this, method, options);
  }

  @Override
  public String authority() {
    return url.getAuthority();
  }

  /** False where the channel is closed: the call must not begin. */
  boolean begins(ConnectCall<?, ?> call) {
    running.add(call);
    if (closed) running.remove(call);
    return !closed;
  }

  void ended(ConnectCall<?, ?> call) {
    running.remove(call);
  }

  @Override
  public void close() {
    closed = true;
    running.forEach(call -> call.cancel("the client was closed", null));
    threads.shutdown();
    deadlines.shutdownNow();
  }
}
