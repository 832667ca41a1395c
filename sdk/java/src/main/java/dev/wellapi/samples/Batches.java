package dev.wellapi.samples;

import com.google.protobuf.Timestamp;
import dev.wellapi.client.ClientException;
import dev.wellapi.ingestion.v1.SeriesBatch;
import dev.wellapi.type.v1.Coding;
import dev.wellapi.type.v1.Decimals;
import dev.wellapi.type.v1.Device;
import dev.wellapi.type.v1.Gaps;
import dev.wellapi.type.v1.SampleTimes;
import dev.wellapi.type.v1.Series;
import java.math.BigDecimal;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** Samples as people write them, to batches. */
public final class Batches {
  private static final Duration LONGEST_SPAN = Duration.ofDays(30);
  private static final BigDecimal LARGEST_MANTISSA = BigDecimal.valueOf((1L << 53) - 1);
  private static final int FINEST_SCALE = 9;

  private Batches() {}

  /**
   * Rows in ascending order of time, in batches of one series each; the rows are read as the batches are asked for. The request id of
   * a batch is a digest of what it holds, so that sending it again is safe. Throws ClientException `INPUT` where a row cannot be sent
   * exactly.
   */
  public static Iterator<SeriesBatch> batchesOf(Iterator<Row> rows, BatchOptions options) {
    return new Iterator<>() {
      private Row ahead;

      @Override
      public boolean hasNext() {
        return ahead != null || rows.hasNext();
      }

      @Override
      public SeriesBatch next() {
        if (!hasNext()) throw new NoSuchElementException();
        List<Row> chunk = new ArrayList<>();
        chunk.add(ahead == null ? rows.next() : ahead);
        ahead = null;
        while (ahead == null && rows.hasNext()) {
          Row row = rows.next();
          if (isFull(chunk, row, options)) ahead = row;
          else chunk.add(row);
        }
        return batchOf(chunk, options);
      }
    };
  }

  /** As `batchesOf` with an iterator. */
  public static Iterator<SeriesBatch> batchesOf(Iterable<Row> rows, BatchOptions options) {
    return batchesOf(rows.iterator(), options);
  }

  private static boolean isFull(List<Row> chunk, Row row, BatchOptions options) {
    Row first = chunk.get(0);
    return chunk.size() >= options.samplesPerBatch()
        || !row.time().getOffset().equals(first.time().getOffset())
        || Duration.between(first.time(), row.time()).compareTo(LONGEST_SPAN) > 0;
  }

  private static SeriesBatch batchOf(List<Row> rows, BatchOptions options) {
    SeriesBatch batch =
        SeriesBatch.newBuilder().setPatient(options.patient()).addSeries(seriesOf(rows, options)).build();
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(batch.toByteArray());
      return batch.toBuilder().setRequestId("java-" + HexFormat.of().formatHex(digest).substring(0, 40)).build();
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static Series seriesOf(List<Row> rows, BatchOptions options) {
    Row first = rows.get(0);
    // To the millisecond, as the contract has it; what is finer is cut.
    long start = first.time().toInstant().toEpochMilli();
    SampleTimes.Builder times =
        SampleTimes.newBuilder()
            .setStartTime(
                Timestamp.newBuilder()
                    .setSeconds(Math.floorDiv(start, 1000))
                    .setNanos((int) Math.floorMod(start, 1000L) * 1_000_000))
            .setUtcOffsetMinutes(first.time().getOffset().getTotalSeconds() / 60)
            .setDurationMs((int) options.duration().toMillis());
    List<Integer> gaps = gapsOf(rows);
    if (gaps.stream().distinct().count() == 1) times.setPeriodMs(gaps.get(0));
    else if (!gaps.isEmpty()) times.setGaps(Gaps.newBuilder().addAllGapsMs(gaps));
    Series.Builder series =
        Series.newBuilder()
            .setCode(Coding.newBuilder().setCode(options.code()))
            .setUnit(options.unit())
            .setMethod(options.method())
            .setGranularity(options.granularity())
            .setTimes(times)
            .setDecimals(columnOf(rows.stream().map(Row::value).toList()));
    if (!options.device().isEmpty()) series.setDevice(Device.newBuilder().setIdentifier(options.device()));
    return series.build();
  }

  /** Milliseconds between rows, as uint32: at most 30 days, which 32 bits hold unsigned. */
  private static List<Integer> gapsOf(List<Row> rows) {
    List<Integer> gaps = new ArrayList<>();
    for (int at = 1; at < rows.size(); at++) {
      long before = rows.get(at - 1).time().toInstant().toEpochMilli();
      long gap = rows.get(at).time().toInstant().toEpochMilli() - before;
      if (gap <= 0) throw input("times are ascending, a millisecond apart at least");
      gaps.add((int) gap);
    }
    return gaps;
  }

  private static Decimals columnOf(List<BigDecimal> values) {
    // The column has the finest scale of its values: 52 beside 52.5 is sent as 52.0.
    int scale = values.stream().mapToInt(BigDecimal::scale).max().orElse(0);
    if (scale > FINEST_SCALE) throw input("a value has at most 9 digits after the point");
    int sent = Math.max(0, scale);
    List<Long> mantissas = values.stream().map(value -> mantissaOf(value, sent)).toList();
    Decimals.Builder column = Decimals.newBuilder().setScale(sent);
    if (mantissas.stream().allMatch(one -> one == one.intValue())) {
      mantissas.forEach(one -> column.addMantissas(one.intValue()));
    } else {
      column.addAllWideMantissas(mantissas);
    }
    return column.build();
  }

  private static long mantissaOf(BigDecimal value, int scale) {
    // Before the digits are written out: 1e999999999 would take all memory.
    if (value.precision() - (long) value.scale() <= 17) {
      BigDecimal mantissa = value.setScale(scale).movePointRight(scale);
      if (mantissa.abs().compareTo(LARGEST_MANTISSA) <= 0) return mantissa.longValueExact();
    }
    throw input("a value has more digits than 2^53 holds, at the finest scale of its batch");
  }

  private static ClientException input(String message) {
    return new ClientException(ClientException.Code.INPUT, message);
  }
}
