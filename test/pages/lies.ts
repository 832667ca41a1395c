import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  GetConsistencyProofResponseSchema,
  GetInclusionProofResponseSchema,
  ListAccessesResponseSchema,
} from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";

/** What somebody on the way, or the exchange itself, could answer instead. */
export const lies = {
  GetConsistencyProof(message: Uint8Array) {
    const answer = fromBinary(GetConsistencyProofResponseSchema, message);
    answer.hashes[0]![0]! ^= 1;
    return toBinary(GetConsistencyProofResponseSchema, answer);
  },
  GetInclusionProof(message: Uint8Array) {
    const answer = fromBinary(GetInclusionProofResponseSchema, message);
    answer.hashes[0]![0]! ^= 1;
    return toBinary(GetInclusionProofResponseSchema, answer);
  },
  ListAccesses(message: Uint8Array) {
    const answer = fromBinary(ListAccessesResponseSchema, message);
    for (const { access } of answer.accesses) access!.items += 1;
    return toBinary(ListAccessesResponseSchema, answer);
  },
};
