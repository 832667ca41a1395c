package dev.wellapi.client;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Delays between attempts, doubled each time.
 *
 * @param first before the first repetition
 * @param longest what the doubling ends at
 */
public record Backoff(Duration first, Duration longest) {
  /**
   * How long to wait before attempt number `attempt` (1 is the first repetition), never less than the server asks for (null: it
   * asks for nothing). A random part of up to a quarter is added, so that clients that were cut together do not return together.
   */
  Duration before(int attempt, Duration retryAfter) {
    double doubled = first.toMillis() * Math.pow(2, attempt - 1);
    double delay = Math.min(longest.toMillis(), doubled);
    double asked = retryAfter == null ? 0 : retryAfter.toMillis();
    double random = ThreadLocalRandom.current().nextDouble() / 4;
    return Duration.ofMillis((long) (Math.max(delay, asked) * (1 + random)));
  }
}
