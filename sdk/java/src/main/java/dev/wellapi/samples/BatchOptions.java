package dev.wellapi.samples;

import dev.wellapi.type.v1.CaptureMethod;
import dev.wellapi.type.v1.Granularity;
import java.time.Duration;

/**
 * What all batches of a source have in common.
 *
 * @param patient by the sender's own id: `ListConsents` tells it
 * @param code LOINC: `8867-4` is heart rate
 * @param unit UCUM: `/min`
 * @param device empty: none is named
 * @param duration what each sample is about; zero for an instant
 * @param granularity required with a duration
 */
public record BatchOptions(
    String patient,
    String code,
    String unit,
    String device,
    CaptureMethod method,
    Duration duration,
    Granularity granularity,
    int samplesPerBatch) {
  public static BatchOptions of(String patient, String code, String unit) {
    return new BatchOptions(
        patient,
        code,
        unit,
        "",
        CaptureMethod.CAPTURE_METHOD_UNSPECIFIED,
        Duration.ZERO,
        Granularity.GRANULARITY_UNSPECIFIED,
        1000);
  }

  public BatchOptions withDevice(String device) {
    return new BatchOptions(patient, code, unit, device, method, duration, granularity, samplesPerBatch);
  }

  public BatchOptions withMethod(CaptureMethod method) {
    return new BatchOptions(patient, code, unit, device, method, duration, granularity, samplesPerBatch);
  }

  public BatchOptions withIntervals(Duration duration, Granularity granularity) {
    return new BatchOptions(patient, code, unit, device, method, duration, granularity, samplesPerBatch);
  }

  public BatchOptions withSamplesPerBatch(int samplesPerBatch) {
    return new BatchOptions(patient, code, unit, device, method, duration, granularity, samplesPerBatch);
  }
}
