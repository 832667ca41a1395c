import dev.wellapi.client.Certificate;
import dev.wellapi.client.Client;
import dev.wellapi.ingestion.v1.SeriesBatch;
import dev.wellapi.samples.BatchOptions;
import dev.wellapi.samples.Batches;
import dev.wellapi.samples.Row;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** sdk-streams.ts's program of the library for Java: `java StreamSeries FOLDER URL`; a line `PATIENT SAMPLES` on its input is an upload. */
public final class StreamSeries {
  private StreamSeries() {}

  public static void main(String[] arguments) throws Exception {
    var start = OffsetDateTime.parse("2026-01-01T01:00:00+01:00");
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var certificate = Certificate.fromFolder(Path.of(arguments[0]));
    try (var client = Client.builder(arguments[1]).certificate(certificate).build()) {
      for (var line = input.readLine(); line != null; line = input.readLine()) {
        var asked = line.split(" ");
        var rows =
            IntStream.range(0, Integer.parseInt(asked[1]))
                .mapToObj(at -> new Row(start.plusSeconds(at), BigDecimal.valueOf(600 + at % 50, 1)));
        List<SeriesBatch> prepared = new ArrayList<>();
        Batches.batchesOf(rows.iterator(), BatchOptions.of(asked[0], "8867-4", "/min")).forEachRemaining(prepared::add);
        int stored = 0;
        var began = System.nanoTime();
        for (var answer : client.uploadSeries(prepared.iterator())) stored += answer.receipt().isPresent() ? 1 : 0;
        System.out.println("{\"seconds\": " + (System.nanoTime() - began) / 1e9 + ", \"stored\": " + stored + "}");
      }
    }
  }
}
