package dev.wellapi.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** One call with one answer. Completes with it, or exceptionally with the typed error. Cancelling it cancels the call. */
final class UnaryCall<Q, R> extends CompletableFuture<R> {
  static final Metadata.Key<String> REQUEST_ID = Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  private final ClientCall<Q, R> call;

  private UnaryCall(ClientCall<Q, R> call) {
    this.call = call;
  }

  static <Q, R> UnaryCall<Q, R> start(
      Channel channel, MethodDescriptor<Q, R> method, Q request, Duration timeout) {
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
    UnaryCall<Q, R> done = new UnaryCall<>(channel.newCall(method, options));
    done.call.start(done.new Listener(), new Metadata());
    // Two: a second answer, which no contract has, is told as an error.
    done.call.request(2);
    done.call.sendMessage(request);
    done.call.halfClose();
    return done;
  }

  @Override
  public boolean cancel(boolean mayInterrupt) {
    call.cancel("its caller has left", null);
    return super.cancel(mayInterrupt);
  }

  /** An answer of an error alone has its headers among its trailers. */
  static String requestId(String ofHeaders, Metadata trailers) {
    return ofHeaders != null || trailers == null ? ofHeaders : trailers.get(REQUEST_ID);
  }

  private final class Listener extends ClientCall.Listener<R> {
    private String requestId;
    private R answer;

    @Override
    public void onHeaders(Metadata headers) {
      requestId = headers.get(REQUEST_ID);
    }

    @Override
    public void onMessage(R message) {
      if (answer != null) call.cancel("a second answer", null);
      answer = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (status.isOk() && answer != null) {
        complete(answer);
        return;
      }
      Status failed = status.isOk() ? Status.INTERNAL.withDescription("the call ended without an answer") : status;
      completeExceptionally(WellApiException.of(failed, trailers, UnaryCall.requestId(requestId, trailers)));
    }
  }
}
