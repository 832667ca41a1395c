package dev.wellapi.client;

import java.time.Duration;
import java.util.Optional;

/**
 * When a single call is repeated: where the contract says that it is idempotent, or the request carries a `request_id`; and the
 * error is transient. Streams repeat by rules of their own.
 *
 * <p>The budget belongs to the client: each repetition takes one from it, each call that succeeds gives a tenth back. So a server
 * that fails for everybody gets a tenth more calls, and not four times as many.
 *
 * @param attempts calls in all; 1 repeats nothing
 * @param budget repetitions that the client may be ahead of its successes
 * @param longestWait an error that asks for more is thrown
 */
public record Retries(int attempts, double budget, Duration longestWait, Backoff backoff) {
  public static final Retries DEFAULT =
      new Retries(4, 10, Duration.ofSeconds(30), new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5)));

  public Retries {
    if (attempts < 1) throw new ClientException(ClientException.Code.INPUT, "attempts are 1 or more");
  }

  public Retries withAttempts(int attempts) {
    return new Retries(attempts, budget, longestWait, backoff);
  }

  /** What is left of the budget of one client. */
  Account open() {
    return new Account();
  }

  final class Account {
    private double left = budget;

    synchronized void succeeded() {
      left = Math.min(budget, left + 0.1);
    }

    /** How long to wait before repetition number `attempt`, which is paid for; empty: throw the error. */
    synchronized Optional<Duration> waitBefore(int attempt, Duration retryAfter) {
      if (attempt >= attempts || left < 1) return Optional.empty();
      if (retryAfter != null && retryAfter.compareTo(longestWait) > 0) return Optional.empty();
      left -= 1;
      return Optional.of(backoff.before(attempt, retryAfter));
    }
  }
}
