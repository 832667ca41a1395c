import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { PatientsCommittedSchema } from "@wellapi/gen/wellapi/internal/records/v1/records_events_pb";

/** A replica's signal to the others: commits of these patients' records. */
export interface PeerSignal {
  readonly replica: string;
  readonly partitions: readonly string[];
}

export function encodePeerSignal({ replica, partitions }: PeerSignal): Uint8Array {
  return toBinary(
    PatientsCommittedSchema,
    create(PatientsCommittedSchema, { replica, partitions: [...partitions] }),
  );
}

export function decodePeerSignal(data: Uint8Array): PeerSignal {
  return fromBinary(PatientsCommittedSchema, data);
}
