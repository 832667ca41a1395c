package dev.wellapi.samples;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.OffsetDateTime;

/**
 * One sample of a series.
 *
 * @param time with the offset at capture
 * @param value with its digits as they were sent: 98.60 stays 98.60; null where the value is a code
 * @param code of coded values the code; else empty
 * @param unit UCUM; empty for codes
 * @param component the component's code, where a sample has several numbers: 8480-6 of a blood pressure; else empty
 * @param duration zero for an instant; else the sample is about the half-open interval of this length from `time` on
 */
public record Sample(
    OffsetDateTime time, BigDecimal value, String code, String unit, String component, Duration duration) {
  /** The value, or the code. */
  public String text() {
    return value == null ? code : value.toPlainString();
  }
}
