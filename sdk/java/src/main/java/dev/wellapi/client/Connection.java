package dev.wellapi.client;

import com.google.protobuf.Descriptors;
import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.Message;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Calls over one channel: single ones repeated as {@link Retries} says, streams as they are. */
final class Connection implements AutoCloseable {
  final Channel channel;
  /** Only the door carries streams of requests: the gateway speaks HTTP/1.1. */
  final boolean streamsBothWays;

  private final Retries.Account retries;
  private final Duration timeout;
  private final Runnable closeChannel;
  private volatile boolean closed;

  Connection(Channel channel, Runnable closeChannel, boolean streamsBothWays, Retries retries, Duration timeout) {
    this.channel = channel;
    this.closeChannel = closeChannel;
    this.streamsBothWays = streamsBothWays;
    this.retries = retries.open();
    this.timeout = timeout;
  }

  /** A call that is made once. */
  <Q extends Message, R> UnaryCall<Q, R> once(MethodDescriptor<Q, R> method, Q request) {
    requireOpen();
    return UnaryCall.start(channel, method, request, timeout);
  }

  <Q extends Message, R> CompletableFuture<R> unary(MethodDescriptor<Q, R> method, Q request) {
    return new Repeated<>(method, request);
  }

  <Q extends Message, R> R blockingUnary(MethodDescriptor<Q, R> method, Q request) {
    CompletableFuture<R> answer = unary(method, request);
    try {
      return answer.get();
    } catch (InterruptedException interrupted) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new CancellationException("the thread was interrupted");
    } catch (ExecutionException failed) {
      requireOpen();
      // Thrown anew here, where the caller waits: the trace of a thread of gRPC tells nobody who called.
      if (failed.getCause() instanceof RuntimeException known) {
        known.setStackTrace(Thread.currentThread().getStackTrace());
        throw known;
      }
      throw new IllegalStateException(failed.getCause());
    }
  }

  /** A stream of answers. It is never repeated here: what came cannot be told from what comes again. */
  <Q, R> StreamCall<Q, R> stream(MethodDescriptor<Q, R> method) {
    requireOpen();
    return new StreamCall<>(this, method);
  }

  <Q, R> StreamCall<Q, R> serverStream(MethodDescriptor<Q, R> method, Q request) {
    StreamCall<Q, R> call = stream(method);
    call.send(request);
    call.halfClose();
    return call;
  }

  /** Throws CancellationException after `close`: a client that was closed is no server that fails. */
  void requireOpen() {
    if (closed) throw new CancellationException("the client was closed");
  }

  @Override
  public void close() {
    closed = true;
    closeChannel.run();
  }

  /** Whether the contract, or the request's own id, makes a repetition safe. */
  private static boolean isSafe(MethodDescriptor<?, ?> method, Message request) {
    if (method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier supplier
        && supplier.getMethodDescriptor().getOptions().getIdempotencyLevel()
            != IdempotencyLevel.IDEMPOTENCY_UNKNOWN) {
      return true;
    }
    Descriptors.FieldDescriptor id = request.getDescriptorForType().findFieldByName("request_id");
    return id != null && id.getJavaType() == Descriptors.FieldDescriptor.JavaType.STRING
        && !id.isRepeated() && !"".equals(request.getField(id));
  }

  /** A call over as many attempts as it takes. */
  private final class Repeated<Q extends Message, R> extends CompletableFuture<R> {
    private final MethodDescriptor<Q, R> method;
    private final Q request;
    private volatile UnaryCall<Q, R> current;

    Repeated(MethodDescriptor<Q, R> method, Q request) {
      this.method = method;
      this.request = request;
      attempt(1);
    }

    private void attempt(int number) {
      if (isDone()) return; // Its caller has left.
      try {
        current = once(method, request);
      } catch (CancellationException closedMeanwhile) {
        completeExceptionally(closedMeanwhile);
        return;
      }
      current.whenComplete((answer, failure) -> ended(number, answer, failure));
      if (isDone()) current.cancel(true);
    }

    private void ended(int number, R answer, Throwable failure) {
      if (failure == null) {
        retries.succeeded();
        complete(answer);
        return;
      }
      Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
      Optional<Duration> wait = Optional.empty();
      if (cause instanceof WellApiException error
          && error.isTransient()
          && error.code() != Status.Code.DEADLINE_EXCEEDED
          && isSafe(method, request)) {
        wait = retries.waitBefore(number, error.retryAfter().orElse(null));
      }
      if (wait.isEmpty()) {
        completeExceptionally(cause);
        return;
      }
      CompletableFuture.delayedExecutor(wait.get().toMillis(), TimeUnit.MILLISECONDS)
          .execute(() -> attempt(number + 1));
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
      boolean cancelled = super.cancel(mayInterrupt);
      UnaryCall<Q, R> running = current;
      if (running != null) running.cancel(mayInterrupt);
      return cancelled;
    }
  }
}
