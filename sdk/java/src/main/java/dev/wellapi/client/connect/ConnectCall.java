package dev.wellapi.client.connect;

import com.google.common.util.concurrent.MoreExecutors;
import dev.wellapi.client.ClientException;
import dev.wellapi.client.WellApiException;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * One call by the Connect protocol. All that its listener hears it hears in order, by the executor of the call's options; without one,
 * from the thread of the call. Answers are read as they are asked for.
 */
final class ConnectCall<Q, R> extends ClientCall<Q, R> {
  private static final int COMPRESSED = 1;
  private static final int END_OF_STREAM = 2;

  private final ConnectChannel channel;
  private final MethodDescriptor<Q, R> method;
  private final CallOptions options;
  private final Executor callbacks;
  private final Semaphore asked = new Semaphore(0);
  private Listener<R> listener;
  private Metadata headers;
  private byte[] request;
  private boolean begun;
  /** The thread of the call while it runs: interrupted only under the call's lock, so that no later call is. */
  private Thread worker;
  private Future<?> deadline;
  private InputStream body;
  /** Why it was ended from here; null while it was not. */
  private Status ended;

  ConnectCall(ConnectChannel channel, MethodDescriptor<Q, R> method, CallOptions options) {
    this.channel = channel;
    this.method = method;
    this.options = options;
    // The blocking stubs wait by an executor of their own, which only what is told by it wakes.
    this.callbacks =
        options.getExecutor() == null ? Runnable::run : MoreExecutors.newSequentialExecutor(options.getExecutor());
  }

  @Override
  public void start(Listener<R> listener, Metadata headers) {
    this.listener = listener;
    this.headers = headers;
  }

  @Override
  public void request(int messages) {
    asked.release(messages);
  }

  @Override
  public void sendMessage(Q message) {
    try (InputStream bytes = method.streamRequest(message)) {
      request = bytes.readAllBytes();
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  @Override
  public synchronized void halfClose() {
    if (ended != null) return;
    try {
      if (!channel.begins(this)) throw new RejectedExecutionException();
      if (options.getDeadline() != null) {
        long left = options.getDeadline().timeRemaining(TimeUnit.NANOSECONDS);
        Status late = Status.DEADLINE_EXCEEDED.withDescription("the call took too long");
        deadline = channel.deadlines.schedule(() -> end(late), left, TimeUnit.NANOSECONDS);
      }
      channel.threads.execute(this::run);
      begun = true;
    } catch (RejectedExecutionException closed) {
      ended = Status.UNAVAILABLE.withDescription("the client was closed");
      close(ended, new Metadata());
    }
  }

  private void close(Status status, Metadata trailers) {
    callbacks.execute(() -> listener.onClose(status, trailers));
  }

  private void tell(byte[] message) {
    R answer = method.parseResponse(new ByteArrayInputStream(message));
    callbacks.execute(() -> listener.onMessage(answer));
  }

  @Override
  public void cancel(String message, Throwable cause) {
    end(Status.CANCELLED.withDescription(message).withCause(cause));
  }

  private synchronized void end(Status status) {
    if (ended != null) return;
    ended = status;
    if (!begun) {
      // It has not begun: no thread of its own tells the listener.
      if (listener != null) close(status, new Metadata());
      return;
    }
    // Where the thread has not come to it yet, it finds that there is nothing to do.
    if (worker != null) worker.interrupt();
    closeBody();
  }

  private void closeBody() {
    try {
      if (body != null) body.close();
    } catch (IOException ignored) {
      // It is given up.
    }
  }

  private void run() {
    Metadata trailers = new Metadata();
    Status status;
    synchronized (this) {
      worker = Thread.currentThread();
      status = ended;
    }
    try {
      if (status == null) status = exchange(trailers);
    } catch (WellApiException | ClientException known) {
      // Of the token: it is passed as it is (WellApiException.of).
      status = Status.UNAUTHENTICATED.withCause(known);
    } catch (InterruptedException | IOException cut) {
      status = Status.UNAVAILABLE.withDescription("the connection to the gateway ended").withCause(cut);
    } catch (Throwable unexpected) {
      // Also a class that is missing: whoever waits is told.
      status = Status.INTERNAL.withDescription("the answer cannot be read").withCause(unexpected);
    }
    synchronized (this) {
      if (ended != null) status = ended;
      ended = status;
      worker = null;
      if (deadline != null) deadline.cancel(false);
      closeBody();
    }
    channel.ended(this);
    // The thread is another call's next.
    Thread.interrupted();
    close(status, trailers);
  }

  /** How the call ended. Fills the trailers. */
  private Status exchange(Metadata trailers) throws IOException, InterruptedException {
    boolean streams = !method.getType().serverSendsOneMessage();
    if (!method.getType().clientSendsOneMessage()) {
      return Status.UNIMPLEMENTED.withDescription("the gateway carries no streams of requests: call the door");
    }
    HttpResponse<InputStream> response =
        channel.http.send(httpRequest(streams), HttpResponse.BodyHandlers.ofInputStream());
    synchronized (this) {
      body = response.body();
      if (ended != null) return ended;
    }
    ConnectErrors.copy(response.headers(), trailers);
    String kind = response.headers().firstValue("content-type").orElse("");
    if (response.statusCode() != 200 || !kind.equals(streams ? "application/connect+proto" : "application/proto")) {
      byte[] error = body.readNBytes(ConnectChannel.LARGEST_MESSAGE_BYTES);
      return ConnectErrors.ofAnswer(response.statusCode(), kind, error, trailers);
    }
    Metadata metadata = new Metadata();
    ConnectErrors.copy(response.headers(), metadata);
    callbacks.execute(() -> listener.onHeaders(metadata));
    return streams ? readStream(new DataInputStream(body), trailers) : readOne();
  }

  private HttpRequest httpRequest(boolean streams) {
    String kind = streams ? "application/connect+proto" : "application/proto";
    byte[] bytes = streams ? enveloped(request) : request;
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create(channel.url + "/" + method.getFullMethodName()))
            .header("content-type", kind)
            .header("connect-protocol-version", "1")
            .POST(HttpRequest.BodyPublishers.ofByteArray(bytes));
    if (options.getDeadline() != null) {
      long left = Math.max(1, options.getDeadline().timeRemaining(TimeUnit.MILLISECONDS));
      builder.header("connect-timeout-ms", Long.toString(left));
    }
    for (String name : headers.keys()) {
      if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) continue;
      builder.header(name, headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER)));
    }
    String token = channel.token == null ? null : channel.token.get();
    if (token != null) builder.setHeader("authorization", "Bearer " + token);
    return builder.build();
  }

  private Status readOne() throws IOException, InterruptedException {
    byte[] bytes = body.readNBytes(ConnectChannel.LARGEST_MESSAGE_BYTES + 1);
    if (bytes.length > ConnectChannel.LARGEST_MESSAGE_BYTES) return tooLarge();
    asked.acquire();
    tell(bytes);
    return Status.OK;
  }

  private Status readStream(DataInputStream messages, Metadata trailers) throws IOException, InterruptedException {
    while (true) {
      int flags = messages.read();
      if (flags < 0) throw new EOFException("the stream ended before its end message");
      int length = messages.readInt();
      if (length < 0 || length > ConnectChannel.LARGEST_MESSAGE_BYTES) return tooLarge();
      byte[] bytes = messages.readNBytes(length);
      if (bytes.length < length) throw new EOFException("the stream ended in a message");
      if ((flags & COMPRESSED) != 0) {
        return Status.INTERNAL.withDescription("the gateway compressed a message although nobody asked for it");
      }
      if ((flags & END_OF_STREAM) != 0) return ConnectErrors.ofEnd(bytes, trailers);
      asked.acquire();
      tell(bytes);
    }
  }

  private static Status tooLarge() {
    return Status.RESOURCE_EXHAUSTED.withDescription("the answer is larger than 16 MiB");
  }

  private static byte[] enveloped(byte[] message) {
    return ByteBuffer.allocate(5 + message.length).put((byte) 0).putInt(message.length).put(message).array();
  }
}
