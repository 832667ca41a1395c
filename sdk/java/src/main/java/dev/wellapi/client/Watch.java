package dev.wellapi.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/** Follows what arrives, over as many connections as it takes. */
final class Watch<R> extends Results<R> {
  private static final Backoff BACKOFF = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(10));

  private final Function<String, StreamCall<?, R>> open;
  private final Function<R, String> tokenOf;
  private final Consumer<WellApiException> onCut;
  private final CountDownLatch left = new CountDownLatch(1);
  private String reached;
  private int attempt;
  private volatile StreamCall<?, R> stream;

  /** `open` begins a stream after a token; `tokenOf` is a message's own. */
  Watch(
      String resumeToken,
      Function<String, StreamCall<?, R>> open,
      Function<R, String> tokenOf,
      Consumer<WellApiException> onCut) {
    this.reached = resumeToken;
    this.open = open;
    this.tokenOf = tokenOf;
    this.onCut = onCut;
  }

  @Override
  protected R advance() {
    while (true) {
      if (stream == null) stream = open.apply(reached);
      // It may have been closed before there was a stream to close.
      if (left.getCount() == 0) stream.close();
      WellApiException cut;
      try {
        R message = stream.next();
        if (message != null) {
          // A message of a later version may have none: to forget the place would leave data out.
          if (!tokenOf.apply(message).isEmpty()) reached = tokenOf.apply(message);
          attempt = 0;
          return message;
        }
        cut = WellApiException.local(Status.Code.UNAVAILABLE, "UNAVAILABLE", "the server ended the watch", null);
      } catch (WellApiException error) {
        if (!error.isTransient()) throw error;
        cut = error;
      }
      stream = null;
      onCut.accept(cut);
      attempt += 1;
      pause(left, BACKOFF.before(attempt, cut.retryAfter().orElse(null)));
    }
  }

  /** Throws CancellationException where it is left, or the thread interrupted. */
  static void pause(CountDownLatch left, Duration wait) {
    try {
      if (!left.await(wait.toMillis(), TimeUnit.MILLISECONDS)) return;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CancellationException("the thread was interrupted");
    }
    throw new CancellationException("it was closed");
  }

  @Override
  public void close() {
    left.countDown();
    StreamCall<?, R> open = stream;
    if (open != null) open.close();
  }
}
