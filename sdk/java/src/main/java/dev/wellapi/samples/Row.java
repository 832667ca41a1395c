package dev.wellapi.samples;

import java.math.BigDecimal;
import java.time.OffsetDateTime;

/** A time with its offset, and an exact value. There is none of a double: 98.6 is not a double. */
public record Row(OffsetDateTime time, BigDecimal value) {
  /** `value` like `98.60`, whose digits it keeps. Throws NumberFormatException. */
  public static Row of(OffsetDateTime time, String value) {
    return new Row(time, new BigDecimal(value));
  }

  public static Row of(OffsetDateTime time, long value) {
    return new Row(time, BigDecimal.valueOf(value));
  }
}
