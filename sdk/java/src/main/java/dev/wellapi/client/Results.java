package dev.wellapi.client;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Consumer;

/**
 * What comes, one after another, as its reader asks for it: nothing is asked of the server that is not taken here. To be read once,
 * by one thread. Blocks in `hasNext` and `next`. An interrupt of its thread ends it with CancellationException.
 *
 * <p>`close` ends it before its end; also from another thread, whose reader then gets CancellationException. By
 * {@link Publishers#of} it becomes a `Flow.Publisher`.
 */
public abstract class Results<T> implements Iterator<T>, Iterable<T>, AutoCloseable {
  private T ahead;
  private boolean ended;

  /** The next one, or null at the end. Not called again after null or an error. */
  protected abstract T advance();

  /** Gives back what is held. Called at the end, after an error, and by whoever leaves; more than once. */
  @Override
  public abstract void close();

  @Override
  public final boolean hasNext() {
    if (ahead == null && !ended) {
      // Ended unless there is a next one: an error is thrown once.
      ended = true;
      try {
        ahead = advance();
        ended = ahead == null;
      } finally {
        if (ended) close();
      }
    }
    return ahead != null;
  }

  @Override
  public final T next() {
    if (!hasNext()) throw new NoSuchElementException();
    T next = ahead;
    ahead = null;
    return next;
  }

  /** Itself: it is read once. */
  @Override
  public final Iterator<T> iterator() {
    return this;
  }

  @Override
  public final void forEachRemaining(Consumer<? super T> action) {
    while (hasNext()) action.accept(next());
  }
}
