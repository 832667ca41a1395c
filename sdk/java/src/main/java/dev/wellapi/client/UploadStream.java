package dev.wellapi.client;

import com.google.protobuf.Message;
import dev.wellapi.type.v1.Failure;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;

/** One stream of an upload: batches go, replies come. */
interface UploadStream<B, R> extends AutoCloseable {
  /**
   * What the server says of a batch.
   *
   * @param receipt null where it failed, or the reply is of a kind of a later version
   * @param failure null where there is a receipt, or neither
   */
  record Reply<R>(String requestId, R receipt, Failure failure) {}

  void send(B batch);

  /** No further batches. */
  void halfClose();

  /** As {@link StreamCall#next}. */
  Reply<R> next();

  @Override
  void close();

  /** By a stream of the door. */
  static <B, R, Q, A> UploadStream<B, R> ofStream(
      StreamCall<Q, A> call, Function<B, Q> requestOf, Function<A, Reply<R>> replyOf) {
    return new UploadStream<>() {
      @Override
      public void send(B batch) {
        call.send(requestOf.apply(batch));
      }

      @Override
      public void halfClose() {
        call.halfClose();
      }

      @Override
      public Reply<R> next() {
        A answer = call.next();
        return answer == null ? null : replyOf.apply(answer);
      }

      @Override
      public void close() {
        call.close();
      }
    };
  }

  /** For the gateway, which carries no streams of requests: a call a batch, side by side, with the answers of a stream. */
  final class OfCalls<B, R, Q extends Message, A> implements UploadStream<B, R> {
    private static final Object CHANGED = new Object();
    private final Connection connection;
    private final MethodDescriptor<Q, A> method;
    private final Function<B, Q> requestOf;
    private final Function<A, R> receiptOf;
    private final Function<B, String> idOf;
    private final BlockingQueue<Object> inbox = new LinkedBlockingQueue<>();
    private final Set<UnaryCall<Q, A>> running = new HashSet<>();
    /** Sent, and their outcome not yet given. */
    private int open;
    private boolean halfClosed;
    private boolean left;

    OfCalls(
        Connection connection,
        MethodDescriptor<Q, A> method,
        Function<B, Q> requestOf,
        Function<A, R> receiptOf,
        Function<B, String> idOf) {
      this.connection = connection;
      this.method = method;
      this.requestOf = requestOf;
      this.receiptOf = receiptOf;
      this.idOf = idOf;
    }

    @Override
    public synchronized void send(B batch) {
      if (left) return;
      open += 1;
      UnaryCall<Q, A> call = connection.once(method, requestOf.apply(batch));
      running.add(call);
      call.whenComplete(
          (answer, failure) -> {
            inbox.add(outcome(batch, answer, failure));
            synchronized (this) {
              running.remove(call);
            }
          });
    }

    private Object outcome(B batch, A answer, Throwable failure) {
      if (failure == null) return new Reply<>(idOf.apply(batch), receiptOf.apply(answer), null);
      // Without a valid credential each further call would fail alike: the upload ends.
      if (!(failure instanceof WellApiException error) || error.code() == Status.Code.UNAUTHENTICATED) return failure;
      return new Reply<R>(idOf.apply(batch), null, error.toFailure());
    }

    @Override
    public synchronized void halfClose() {
      halfClosed = true;
      inbox.add(CHANGED);
    }

    @Override
    @SuppressWarnings("unchecked")
    public Reply<R> next() {
      while (true) {
        synchronized (this) {
          if (left) throw new CancellationException("the upload was closed");
          if (halfClosed && open == 0) return null;
        }
        Object next;
        try {
          next = inbox.take();
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw new CancellationException("the thread was interrupted");
        }
        if (next == CHANGED) continue;
        synchronized (this) {
          open -= 1;
        }
        if (next instanceof RuntimeException failure) {
          connection.requireOpen();
          throw failure;
        }
        return (Reply<R>) next;
      }
    }

    @Override
    public void close() {
      List<UnaryCall<Q, A>> ended;
      synchronized (this) {
        left = true;
        ended = List.copyOf(running);
      }
      ended.forEach(call -> call.cancel(true));
      inbox.add(CHANGED);
    }
  }
}
