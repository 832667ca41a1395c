package dev.wellapi.client;

import java.util.Iterator;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;

/** Results as `Flow`, for programs that subscribe. */
public final class Publishers {
  private Publishers() {}

  /**
   * Each subscriber begins a read, a watch or an upload of its own: `Publishers.of(() -> client.watchSeries(request), executor)`.
   * What the subscriber has not asked for is not asked of the server. A subscription takes a thread of the executor until it ends.
   */
  public static <T> Flow.Publisher<T> of(Supplier<? extends Results<T>> results, Executor executor) {
    return subscriber -> {
      Subscription<T> subscription = new Subscription<>(subscriber);
      subscriber.onSubscribe(subscription);
      try {
        executor.execute(() -> subscription.run(results));
      } catch (RejectedExecutionException full) {
        subscriber.onError(full);
      }
    };
  }

  private static final class Subscription<T> implements Flow.Subscription {
    private final Flow.Subscriber<? super T> subscriber;
    private Results<T> open;
    private long asked;
    private boolean cancelled;
    private boolean wrong;

    Subscription(Flow.Subscriber<? super T> subscriber) {
      this.subscriber = subscriber;
    }

    @Override
    public synchronized void request(long count) {
      // Reactive Streams, 3.9.
      wrong |= count <= 0;
      asked = count > 0 && asked > Long.MAX_VALUE - count ? Long.MAX_VALUE : asked + Math.max(0, count);
      notifyAll();
    }

    @Override
    public void cancel() {
      Results<T> left;
      synchronized (this) {
        cancelled = true;
        notifyAll();
        left = open;
      }
      if (left != null) left.close();
    }

    void run(Supplier<? extends Results<T>> results) {
      try {
        // Not begun before something is asked for.
        if (!awaitDemand()) return;
        Iterator<T> items = begin(results);
        while (items != null && awaitDemand()) {
          if (!items.hasNext()) {
            if (!isCancelled()) subscriber.onComplete();
            return;
          }
          T item = items.next();
          if (takeDemand()) subscriber.onNext(item);
        }
      } catch (CancellationException | InterruptedException left) {
        if (!isCancelled()) subscriber.onError(left);
      } catch (RuntimeException failed) {
        if (!isCancelled()) subscriber.onError(failed);
      } finally {
        cancel();
      }
    }

    private synchronized boolean isCancelled() {
      return cancelled;
    }

    private Iterator<T> begin(Supplier<? extends Results<T>> results) {
      Results<T> begun = results.get();
      synchronized (this) {
        open = begun;
        if (!cancelled) return begun;
      }
      begun.close();
      return null;
    }

    /** False where it was cancelled meanwhile. */
    private synchronized boolean takeDemand() {
      if (asked != Long.MAX_VALUE) asked--;
      return !cancelled;
    }

    /** False where nothing more is wanted. */
    private synchronized boolean awaitDemand() throws InterruptedException {
      while (asked == 0 && !cancelled && !wrong) wait();
      if (wrong && !cancelled) throw new IllegalArgumentException("ask for 1 or more");
      return !cancelled;
    }
  }
}
