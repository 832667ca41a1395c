package dev.wellapi.client;

import dev.wellapi.ingestion.v1.BatchReceipt;
import dev.wellapi.ingestion.v1.CreateObservationsRequest;
import dev.wellapi.ingestion.v1.CreateSeriesRequest;
import dev.wellapi.ingestion.v1.IngestionServiceGrpc;
import dev.wellapi.ingestion.v1.ObservationBatch;
import dev.wellapi.ingestion.v1.SeriesBatch;
import dev.wellapi.ingestion.v1.StreamObservationsRequest;
import dev.wellapi.ingestion.v1.StreamSeriesRequest;
import dev.wellapi.records.v1.ClinicalBatch;
import dev.wellapi.records.v1.ClinicalOutcome;
import dev.wellapi.records.v1.ClinicalReceipt;
import dev.wellapi.records.v1.ClinicalRecordsServiceGrpc;
import dev.wellapi.records.v1.StreamClinicalRecordsRequest;
import dev.wellapi.records.v1.WriteClinicalRecordsRequest;

/** By which RPC batches of each kind go: a stream over the door, calls over the gateway. */
final class UploadWays {
  private UploadWays() {}

  static Upload.Way<SeriesBatch, BatchReceipt> ofSeries(Connection connection) {
    return new Upload.Way<>(
        () ->
            connection.streamsBothWays
                ? UploadStream.ofStream(
                    connection.stream(IngestionServiceGrpc.getStreamSeriesMethod()),
                    batch -> StreamSeriesRequest.newBuilder().setBatch(batch).build(),
                    answer ->
                        new UploadStream.Reply<>(
                            answer.getRequestId(),
                            answer.hasReceipt() ? answer.getReceipt() : null,
                            answer.hasFailure() ? answer.getFailure() : null))
                : new UploadStream.OfCalls<>(
                    connection,
                    IngestionServiceGrpc.getCreateSeriesMethod(),
                    batch -> CreateSeriesRequest.newBuilder().setBatch(batch).build(),
                    answer -> answer.getReceipt(),
                    SeriesBatch::getRequestId),
        SeriesBatch::getRequestId,
        UploadWays::hasStored);
  }

  static Upload.Way<ObservationBatch, BatchReceipt> ofObservations(Connection connection) {
    return new Upload.Way<>(
        () ->
            connection.streamsBothWays
                ? UploadStream.ofStream(
                    connection.stream(IngestionServiceGrpc.getStreamObservationsMethod()),
                    batch -> StreamObservationsRequest.newBuilder().setBatch(batch).build(),
                    answer ->
                        new UploadStream.Reply<>(
                            answer.getRequestId(),
                            answer.hasReceipt() ? answer.getReceipt() : null,
                            answer.hasFailure() ? answer.getFailure() : null))
                : new UploadStream.OfCalls<>(
                    connection,
                    IngestionServiceGrpc.getCreateObservationsMethod(),
                    batch -> CreateObservationsRequest.newBuilder().setBatch(batch).build(),
                    answer -> answer.getReceipt(),
                    ObservationBatch::getRequestId),
        ObservationBatch::getRequestId,
        UploadWays::hasStored);
  }

  static Upload.Way<ClinicalBatch, ClinicalReceipt> ofClinicalRecords(Connection connection) {
    return new Upload.Way<>(
        () ->
            connection.streamsBothWays
                ? UploadStream.ofStream(
                    connection.stream(ClinicalRecordsServiceGrpc.getStreamClinicalRecordsMethod()),
                    batch -> StreamClinicalRecordsRequest.newBuilder().setBatch(batch).build(),
                    answer ->
                        new UploadStream.Reply<>(
                            answer.getRequestId(),
                            answer.hasReceipt() ? answer.getReceipt() : null,
                            answer.hasFailure() ? answer.getFailure() : null))
                : new UploadStream.OfCalls<>(
                    connection,
                    ClinicalRecordsServiceGrpc.getWriteClinicalRecordsMethod(),
                    batch -> WriteClinicalRecordsRequest.newBuilder().setBatch(batch).build(),
                    answer -> answer.getReceipt(),
                    ClinicalBatch::getRequestId),
        ClinicalBatch::getRequestId,
        UploadWays::hasRejectedNone);
  }

  private static boolean hasStored(BatchReceipt receipt) {
    return !receipt.getBatch().isEmpty();
  }

  /** What was rejected is judged afresh when it is sent again. */
  private static boolean hasRejectedNone(ClinicalReceipt receipt) {
    return receipt.getOutcomesList().stream()
        .noneMatch(outcome -> outcome.getStatus() == ClinicalOutcome.Status.STATUS_REJECTED);
  }
}
