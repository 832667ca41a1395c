package dev.wellapi.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * One stream. Answers are read by one thread, and asked for one by one, so the server is held back by who reads. Requests are sent
 * by one thread at a time.
 */
final class StreamCall<Q, R> implements AutoCloseable {
  private record End(Status status, Metadata trailers) {}

  private final Connection connection;
  private final ClientCall<Q, R> call;
  private final BlockingQueue<Object> inbox = new LinkedBlockingQueue<>();
  private volatile String requestId;
  private volatile boolean left;
  private boolean halfClosed;

  StreamCall(Connection connection, MethodDescriptor<Q, R> method) {
    this.connection = connection;
    call = connection.channel.newCall(method, CallOptions.DEFAULT);
    call.start(
        new ClientCall.Listener<R>() {
          @Override
          public void onHeaders(Metadata headers) {
            requestId = headers.get(UnaryCall.REQUEST_ID);
          }

          @Override
          public void onMessage(R message) {
            inbox.add(message);
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            inbox.add(new End(status, trailers));
          }
        },
        new Metadata());
    call.request(1);
  }

  void send(Q request) {
    call.sendMessage(request);
  }

  /** No further requests. */
  void halfClose() {
    if (!halfClosed) call.halfClose();
    halfClosed = true;
  }

  /**
   * The next answer; null where the server ended the stream without an error.
   *
   * @throws WellApiException where it ended with one
   * @throws CancellationException where it or its client was closed, or the thread interrupted
   */
  @SuppressWarnings("unchecked")
  R next() {
    Object next;
    try {
      next = inbox.take();
    } catch (InterruptedException interrupted) {
      close();
      Thread.currentThread().interrupt();
      throw new CancellationException("the thread was interrupted");
    }
    if (next instanceof End end) {
      // For who asks again.
      inbox.add(end);
      if (left) throw new CancellationException("the stream was closed");
      if (end.status().isOk()) return null;
      connection.requireOpen();
      throw WellApiException.of(end.status(), end.trailers(), UnaryCall.requestId(requestId, end.trailers()));
    }
    call.request(1);
    return (R) next;
  }

  @Override
  public void close() {
    left = true;
    call.cancel("its reader has left", null);
  }
}
