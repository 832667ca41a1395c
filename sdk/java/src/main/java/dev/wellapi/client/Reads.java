package dev.wellapi.client;

import dev.wellapi.records.v1.AggregateSeriesRequest;
import dev.wellapi.records.v1.ListObservationsRequest;
import dev.wellapi.records.v1.ListSeriesRequest;
import dev.wellapi.records.v1.MergeSeriesRequest;
import dev.wellapi.records.v1.MergedStretch;
import dev.wellapi.records.v1.QuerySeriesRequest;
import dev.wellapi.records.v1.ReadEnd;
import dev.wellapi.records.v1.ReadSeriesRequest;
import dev.wellapi.records.v1.ReadSeriesResponse;
import dev.wellapi.records.v1.ReadStart;
import dev.wellapi.records.v1.RecordsServiceGrpc;
import dev.wellapi.records.v1.SeriesInfo;
import dev.wellapi.records.v1.SourceAggregate;
import dev.wellapi.records.v1.SourcedSeries;
import dev.wellapi.records.v1.StoredObservation;
import java.util.function.Consumer;

/** The reads of a connection. Requests are those of the contract; page tokens are set here. */
public abstract class Reads {
  final Connection connection;

  Reads(Connection connection) {
    this.connection = connection;
  }

  /** As `readSeries` with callbacks, without them. */
  public Results<SourcedSeries> readSeries(ReadSeriesRequest request) {
    return readSeries(request, start -> {}, end -> {});
  }

  /**
   * Streams the samples of one code, in bounded memory for any interval. The server decides anew for each message: a revocation ends
   * the stream with WellApiException `CONSENT_REVOKED`. Throws ClientException `CUT` if the answer ended early; samples are then
   * missing. `onStart` gets the authorized part, with the read's entry in the log, before the first samples.
   */
  public Results<SourcedSeries> readSeries(
      ReadSeriesRequest request, Consumer<ReadStart> onStart, Consumer<ReadEnd> onEnd) {
    return new SeriesRead(connection.serverStream(RecordsServiceGrpc.getReadSeriesMethod(), request), onStart, onEnd);
  }

  /** Reads samples in pages; each page is a call of its own, with an entry in the log. */
  public Results<SourcedSeries> querySeries(QuerySeriesRequest request) {
    return Pages.of(
        token ->
            connection.blockingUnary(
                RecordsServiceGrpc.getQuerySeriesMethod(), request.toBuilder().setPageToken(token).build()),
        page -> page.getSeriesList(),
        page -> page.getNextPageToken());
  }

  /** Lists the series of a patient that the caller may read. */
  public Results<SeriesInfo> listSeries(ListSeriesRequest request) {
    return Pages.of(
        token ->
            connection.blockingUnary(
                RecordsServiceGrpc.getListSeriesMethod(), request.toBuilder().setPageToken(token).build()),
        page -> page.getSeriesList(),
        page -> page.getNextPageToken());
  }

  /** Aggregates by bucket. A source whose buckets go on on the next page comes once a page. */
  public Results<SourceAggregate> aggregateSeries(AggregateSeriesRequest request) {
    return Pages.of(
        token ->
            connection.blockingUnary(
                RecordsServiceGrpc.getAggregateSeriesMethod(), request.toBuilder().setPageToken(token).build()),
        page -> page.getAggregatesList(),
        page -> page.getNextPageToken());
  }

  /** One line of the samples of several devices, by the rule that the request names. A page's end parts a stretch. */
  public Results<MergedStretch> mergeSeries(MergeSeriesRequest request) {
    return Pages.of(
        token ->
            connection.blockingUnary(
                RecordsServiceGrpc.getMergeSeriesMethod(), request.toBuilder().setPageToken(token).build()),
        page -> page.getStretchesList(),
        page -> page.getNextPageToken());
  }

  /** Lists observations, the newest first unless the request says otherwise. */
  public Results<StoredObservation> listObservations(ListObservationsRequest request) {
    return Pages.of(
        token ->
            connection.blockingUnary(
                RecordsServiceGrpc.getListObservationsMethod(), request.toBuilder().setPageToken(token).build()),
        page -> page.getObservationsList(),
        page -> page.getNextPageToken());
  }

  private static final class SeriesRead extends Results<SourcedSeries> {
    private final StreamCall<?, ReadSeriesResponse> call;
    private final Consumer<ReadStart> onStart;
    private final Consumer<ReadEnd> onEnd;
    private boolean whole;

    SeriesRead(StreamCall<?, ReadSeriesResponse> call, Consumer<ReadStart> onStart, Consumer<ReadEnd> onEnd) {
      this.call = call;
      this.onStart = onStart;
      this.onEnd = onEnd;
    }

    @Override
    protected SourcedSeries advance() {
      for (ReadSeriesResponse message = call.next(); message != null; message = call.next()) {
        switch (message.getPayloadCase()) {
          case START -> onStart.accept(message.getStart());
          case SERIES -> {
            return message.getSeries();
          }
          case END -> {
            whole = true;
            onEnd.accept(message.getEnd());
          }
          default -> {
            // A kind of a later version.
          }
        }
      }
      if (whole) return null;
      throw new ClientException(ClientException.Code.CUT, "the answer was cut off: what came is not all; read again");
    }

    @Override
    public void close() {
      call.close();
    }
  }
}
