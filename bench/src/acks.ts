import { create, toBinary } from "@bufbuild/protobuf";
import { BatchReceiptSchema, ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  CreateObservationsResponseSchema,
  StreamSeriesResponseSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { WatchSeriesResponseSchema } from "@wellapi/gen/wellapi/records/v1/records_service_pb";

/** A receipt with the lengths of a real one. */
function receipt(items: number) {
  return create(BatchReceiptSchema, {
    requestId: "bench-0-00000",
    batch: "bat_00000000000000000000000000",
    items: Array.from({ length: items }, () => ({ status: ItemOutcome_Status.ACCEPTED })),
  });
}

/** What a stream answers to a batch; the same bytes for series and observations. */
export function streamAck(items: number): Uint8Array {
  const answer = create(StreamSeriesResponseSchema, {
    requestId: "bench-0-00000",
    result: { case: "receipt", value: receipt(items) },
  });
  return toBinary(StreamSeriesResponseSchema, answer);
}

/** What the unary call answers to a batch of one observation. */
export function unaryAck(): Uint8Array {
  const answer = create(CreateObservationsResponseSchema, { receipt: receipt(1) });
  return toBinary(CreateObservationsResponseSchema, answer);
}

/** The first message of a watch. */
export function emptyStart(): Uint8Array {
  const start = { access: "acc_00000000000000000000000000", sequence: 1n };
  const answer = create(WatchSeriesResponseSchema, { payload: { case: "start", value: start } });
  return toBinary(WatchSeriesResponseSchema, answer);
}
