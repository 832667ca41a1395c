package dev.wellapi.client;

import com.google.protobuf.Message;
import dev.wellapi.ingestion.v1.BatchReceipt;
import dev.wellapi.ingestion.v1.ObservationBatch;
import dev.wellapi.ingestion.v1.SeriesBatch;
import dev.wellapi.notices.v1.EventServiceGrpc;
import dev.wellapi.notices.v1.WatchEventsRequest;
import dev.wellapi.notices.v1.WatchEventsResponse;
import dev.wellapi.records.v1.ClinicalBatch;
import dev.wellapi.records.v1.ClinicalReceipt;
import dev.wellapi.records.v1.RecordsServiceGrpc;
import dev.wellapi.records.v1.WatchSeriesRequest;
import dev.wellapi.records.v1.WatchSeriesResponse;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Calls the exchange: `Client.builder(url).certificate(...).build()`. For any number of threads; what a read or an upload gives is for
 * one. Calls throw {@link WellApiException}; after `close`, and in a thread that is interrupted, CancellationException.
 */
public final class Client extends Reads implements AutoCloseable {
  Client(Connection connection) {
    super(connection);
  }

  /** `url` like `https://localhost:7443`. */
  public static ClientBuilder builder(String url) {
    return new ClientBuilder(url);
  }

  /** Any RPC with one answer: `client.call(ConsentServiceGrpc.getListConsentsMethod(), request)`. Repeated as {@link Retries} says. */
  public <Q extends Message, R> R call(MethodDescriptor<Q, R> method, Q request) {
    return connection.blockingUnary(method, request);
  }

  /** As `call`; it completes exceptionally with WellApiException. */
  public <Q extends Message, R> CompletableFuture<R> callAsync(MethodDescriptor<Q, R> method, Q request) {
    return connection.unary(method, request);
  }

  /** Any RPC with a stream of answers. It is never repeated here: what came cannot be told from what comes again. */
  public <Q, R> Results<R> stream(MethodDescriptor<Q, R> method, Q request) {
    StreamCall<Q, R> call = connection.serverStream(method, request);
    return new Results<>() {
      @Override
      protected R advance() {
        return call.next();
      }

      @Override
      public void close() {
        call.close();
      }
    };
  }

  /**
   * For the generated stubs, with this client's credentials: `ConsentServiceGrpc.newBlockingStub(client.channel())`. They repeat
   * nothing, and throw gRPC's StatusRuntimeException: {@link WellApiException#of} types it.
   */
  public Channel channel() {
    return connection.channel;
  }

  /** As `uploadSeries` with options, with the usual ones. */
  public Results<Answer<SeriesBatch, BatchReceipt>> uploadSeries(Iterator<SeriesBatch> batches) {
    return uploadSeries(batches, UploadOptions.DEFAULT);
  }

  /**
   * Sends batches and gives the answer to each, in any order. A batch is answered once it is durable; one without an answer is sent
   * again under its `request_id`, on a new stream, and stored once. The source is asked for no more than the window ahead of the
   * answers: who takes no answers is asked for no batches. It is read in a thread of its own, and closed if it is AutoCloseable. A
   * refusal ends the upload at once.
   */
  public Results<Answer<SeriesBatch, BatchReceipt>> uploadSeries(
      Iterator<SeriesBatch> batches, UploadOptions options) {
    return new Upload<>(UploadWays.ofSeries(connection), batches, options);
  }

  /** As `uploadSeries`, for single observations. */
  public Results<Answer<ObservationBatch, BatchReceipt>> uploadObservations(
      Iterator<ObservationBatch> batches, UploadOptions options) {
    return new Upload<>(UploadWays.ofObservations(connection), batches, options);
  }

  /** As `uploadSeries`, for clinical records. A batch counts as stored once none of its items was rejected. */
  public Results<Answer<ClinicalBatch, ClinicalReceipt>> uploadClinicalRecords(
      Iterator<ClinicalBatch> batches, UploadOptions options) {
    return new Upload<>(UploadWays.ofClinicalRecords(connection), batches, options);
  }

  /**
   * A watch that goes on after a cut, from the last resume token, until the server refuses it (then WellApiException) or its reader
   * leaves. A batch that was cut comes again from its start, under the same `batch`; nothing else comes twice, and nothing is missing.
   * `onCut` is told of each cut before the pause, also where the server ended the stream without an error. Each message has the
   * `resume_token` for a later watch (`request.resume_token`).
   */
  public Results<WatchSeriesResponse> watchSeries(WatchSeriesRequest request, Consumer<WellApiException> onCut) {
    return new Watch<>(
        request.getResumeToken(),
        token ->
            connection.serverStream(
                RecordsServiceGrpc.getWatchSeriesMethod(), request.toBuilder().setResumeToken(token).build()),
        WatchSeriesResponse::getResumeToken,
        onCut);
  }

  /**
   * What becomes of the organization's consents and requests, as `watchSeries`. Keep the `resume_token` of a message once its events
   * are handled. Throws WellApiException `RESUME_TOKEN_TOO_OLD` where events are missing: read the consents, and begin without it.
   */
  public Results<WatchEventsResponse> watchEvents(WatchEventsRequest request, Consumer<WellApiException> onCut) {
    return new Watch<>(
        request.getResumeToken(),
        token ->
            connection.serverStream(
                EventServiceGrpc.getWatchEventsMethod(), request.toBuilder().setResumeToken(token).build()),
        WatchEventsResponse::getResumeToken,
        onCut);
  }

  /** Ends the client's connections, and the calls on them. */
  @Override
  public void close() {
    connection.close();
  }
}
