package dev.wellapi.samples;

import dev.wellapi.client.ClientException;
import dev.wellapi.records.v1.SourcedSeries;
import dev.wellapi.type.v1.Coding;
import dev.wellapi.type.v1.Decimals;
import dev.wellapi.type.v1.SampleTimes;
import dev.wellapi.type.v1.Series;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Samples of an answer, as people read them. Decimals stay exact: no value is ever a double. */
public final class Samples {
  private Samples() {}

  /** One column of values: numbers, or codes. */
  private record Column(String component, String unit, List<BigDecimal> values, List<String> codes) {
    int size() {
      return values.isEmpty() ? codes.size() : values.size();
    }

    Sample at(int index, OffsetDateTime time, Duration duration) {
      return values.isEmpty()
          ? new Sample(time, null, codes.get(index), unit, component, duration)
          : new Sample(time, values.get(index), "", unit, component, duration);
    }
  }

  /** As of a series: see below. */
  public static List<Sample> samplesOf(SourcedSeries run) {
    return run.hasSeries() ? samplesOf(run.getSeries()) : List.of();
  }

  /**
   * The samples of a series, by time. A sample of components gives one a component. Throws ClientException `INPUT` for values of a
   * kind that a later version has: left out they would look like a gap in the data.
   */
  public static List<Sample> samplesOf(Series series) {
    if (!series.hasTimes()) return List.of();
    List<Column> columns = columnsOf(series);
    int count = columns.stream().mapToInt(Column::size).max().orElse(0);
    SampleTimes times = series.getTimes();
    if (!times.hasStartTime()) throw input("these times are not those of an answer");
    ZoneOffset zone = ZoneOffset.ofTotalSeconds(times.getUtcOffsetMinutes() * 60);
    Instant at = Instant.ofEpochSecond(times.getStartTime().getSeconds(), times.getStartTime().getNanos());
    List<Sample> samples = new ArrayList<>(count * columns.size());
    for (int index = 0; index < count; index++) {
      if (index > 0) at = at.plusMillis(gapBefore(times, index));
      // A length beside each sample, or one for all: uint32 in milliseconds.
      int length = times.getDurationsMsCount() > 0 ? times.getDurationsMs(index) : times.getDurationMs();
      Duration duration = Duration.ofMillis(Integer.toUnsignedLong(length));
      for (Column column : columns) {
        if (index < column.size()) samples.add(column.at(index, at.atOffset(zone), duration));
      }
    }
    return samples;
  }

  private static List<Column> columnsOf(Series series) {
    return switch (series.getValuesCase()) {
      case DECIMALS -> List.of(new Column("", series.getUnit(), decimals(series.getDecimals()), List.of()));
      case CODED -> {
        List<String> dictionary = series.getCoded().getDictionaryList().stream().map(Coding::getCode).toList();
        List<String> codes = series.getCoded().getIndexesList().stream().map(dictionary::get).toList();
        yield List.of(new Column("", "", List.of(), codes));
      }
      case COMPONENTS ->
          series.getComponents().getComponentsList().stream()
              .map(one -> new Column(one.getCode().getCode(), one.getUnit(), decimals(one.getDecimals()), List.of()))
              .toList();
      default -> throw input("this version does not know this kind of values: install a newer one");
    };
  }

  private static List<BigDecimal> decimals(Decimals column) {
    if (column.getValuesCount() > 0) return column.getValuesList().stream().map(BigDecimal::new).toList();
    Stream<Long> mantissas =
        column.getMantissasCount() > 0
            ? column.getMantissasList().stream().map(Integer::longValue)
            : column.getWideMantissasList().stream();
    return mantissas.map(mantissa -> BigDecimal.valueOf(mantissa, column.getScale())).toList();
  }

  private static long gapBefore(SampleTimes times, int index) {
    return switch (times.getSpacingCase()) {
      case PERIOD_MS -> Integer.toUnsignedLong(times.getPeriodMs());
      case GAPS -> {
        if (index > times.getGaps().getGapsMsCount()) throw input("there are fewer times than values");
        yield Integer.toUnsignedLong(times.getGaps().getGapsMs(index - 1));
      }
      default -> throw input("there are fewer times than values");
    };
  }

  private static ClientException input(String message) {
    return new ClientException(ClientException.Code.INPUT, message);
  }
}
