package dev.wellapi.client;

import dev.wellapi.type.v1.Failure;
import io.grpc.Status;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * One upload over as many streams as it takes: no batch is lost, none is stored twice, and no more are on their way than the window
 * says.
 *
 * <p>Who takes the answers opens the streams and sends again what has none; a thread of the upload reads the source and sends what is
 * new, so that an answer never waits for a source that has nothing yet. All fields are guarded by the upload itself.
 */
final class Upload<B, R> extends Results<Answer<B, R>> {
  private static final Backoff BACKOFF = new Backoff(Duration.ofMillis(400), Duration.ofSeconds(5));

  /**
   * How batches of a kind go.
   *
   * @param open begins a stream
   * @param idOf a batch's request id
   * @param isStored whether a receipt counts as stored: what counts is not sent by a later upload
   */
  record Way<B, R>(Supplier<UploadStream<B, R>> open, Function<B, String> idOf, Predicate<R> isStored) {}

  private final Way<B, R> way;
  private final Iterator<? extends B> source;
  private final UploadOptions options;
  private final CountDownLatch left = new CountDownLatch(1);
  private final Map<String, B> unanswered = new LinkedHashMap<>();
  private final Thread reader = new Thread(this::readSource, "wellapi-upload");
  private UploadStream<B, R> stream;
  /** The longest delay that an answer on this stream has asked for: it sends nothing more, and the next stream waits so long. */
  private Failure delayed;
  private boolean exhausted;
  private Throwable sourceFailure;
  private int attempt;

  Upload(Way<B, R> way, Iterator<? extends B> source, UploadOptions options) {
    this.way = way;
    this.source = source;
    this.options = options;
    reader.setDaemon(true);
  }

  /** Ends when each batch has its answer; throws where the server refuses the stream, or `attempts` end without any answer. */
  @Override
  protected Answer<B, R> advance() {
    while (true) {
      try {
        UploadStream<B, R> current = openStream();
        for (var reply = current.next(); reply != null; reply = current.next()) {
          Answer<B, R> answer = answerOf(reply);
          if (answer != null) return answer;
        }
        if (isComplete()) return null;
      } catch (WellApiException error) {
        endStream();
        throwSourceFailure();
        attempt += 1;
        if (!error.isTransient() || attempt >= options.attempts()) throw error;
        options.onCut().accept(error, attempt);
        Watch.pause(left, BACKOFF.before(attempt, error.retryAfter().orElse(null)));
      } catch (CancellationException cancelled) {
        // The reader of the source ends the stream to tell that the source has failed.
        throwSourceFailure();
        throw cancelled;
      }
    }
  }

  /** The stream that runs, or a new one with all that has no answer yet. */
  private synchronized UploadStream<B, R> openStream() {
    throwSourceFailure();
    if (left.getCount() == 0) throw new CancellationException("the upload was closed");
    if (stream == null) {
      stream = way.open().get();
      delayed = null;
      unanswered.values().forEach(stream::send);
      if (exhausted) stream.halfClose();
      if (reader.getState() == Thread.State.NEW) reader.start();
      notifyAll();
    }
    return stream;
  }

  private synchronized void endStream() {
    if (stream != null) stream.close();
    stream = null;
  }

  private synchronized Answer<B, R> answerOf(UploadStream.Reply<R> reply) {
    B batch = unanswered.get(reply.requestId());
    // An answer that came before, or of a kind that this library does not know: it is none.
    if (batch == null || (reply.receipt() == null && reply.failure() == null)) return null;
    if (reply.failure() != null && reply.failure().getRetryAfterMs() > 0) {
      // It stays unanswered, and is sent again on the next stream.
      if (delayed == null || reply.failure().getRetryAfterMs() > delayed.getRetryAfterMs()) delayed = reply.failure();
      if (stream != null) stream.halfClose();
      return null;
    }
    attempt = 0;
    unanswered.remove(reply.requestId());
    notifyAll();
    if (reply.failure() != null) {
      return new Answer<>(batch, Optional.empty(), Optional.of(WellApiException.of(reply.failure())));
    }
    if (way.isStored().test(reply.receipt())) {
      options.progress().ifPresent(progress -> progress.add(reply.requestId()));
    }
    return new Answer<>(batch, Optional.of(reply.receipt()), Optional.empty());
  }

  /** Whether the stream that ended without an error was the last one; throws where it has left something. */
  private synchronized boolean isComplete() {
    if (delayed != null) throw WellApiException.of(delayed);
    if (exhausted && unanswered.isEmpty()) return true;
    throw WellApiException.local(
        Status.Code.UNAVAILABLE, "UNAVAILABLE", "the stream ended before each batch had its answer", null);
  }

  private synchronized void throwSourceFailure() {
    if (sourceFailure instanceof RuntimeException failure) throw failure;
    if (sourceFailure instanceof Error failure) throw failure;
    if (sourceFailure != null) throw new IllegalStateException(sourceFailure);
  }

  /** Asks the source for a batch only while there is room for it. */
  private void readSource() {
    try {
      while (awaitRoom()) {
        B batch = following();
        synchronized (this) {
          if (batch == null) {
            exhausted = true;
            if (stream != null) stream.halfClose();
            return;
          }
          unanswered.put(way.idOf().apply(batch), batch);
          // Where no stream runs, or this one sends nothing more, the next one sends it.
          if (stream != null && delayed == null) stream.send(batch);
        }
      }
    } catch (InterruptedException closed) {
      // Nobody takes the answers any more.
    } catch (Throwable failed) {
      synchronized (this) {
        sourceFailure = failed;
        if (stream != null) stream.close();
      }
    } finally {
      closeSource();
    }
  }

  private synchronized boolean awaitRoom() throws InterruptedException {
    while (left.getCount() > 0 && (unanswered.size() >= options.window() || stream == null || delayed != null)) wait();
    return left.getCount() > 0;
  }

  private B following() {
    while (source.hasNext()) {
      B batch = source.next();
      String id = way.idOf().apply(batch);
      if (options.progress().filter(progress -> progress.contains(id)).isEmpty()) return batch;
    }
    return null;
  }

  private void closeSource() {
    if (!(source instanceof AutoCloseable closeable)) return;
    try {
      closeable.close();
    } catch (Exception failed) {
      synchronized (this) {
        if (sourceFailure == null) sourceFailure = failed;
      }
    }
  }

  @Override
  public void close() {
    left.countDown();
    endStream();
    synchronized (this) {
      notifyAll();
    }
    reader.interrupt();
  }
}
