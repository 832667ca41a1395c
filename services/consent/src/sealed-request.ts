import type { Document } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type ConsentSealing, type Place, sealContent } from "./consent-sealing.ts";

/** What a patient and an organization ask of each other, in the patient's partition, sealed under the patient's audit key. */
export type SealedRequestDocument = Document & {
  readonly request: string;
  readonly create_time: number;
  /** MACs under a key of the installation: of the organization, and of how it was asked. */
  readonly organization_mac: string;
  readonly origin_mac: string;
  readonly sealed: Uint8Array;
};

/** The sealed part. */
export interface RequestContent<T> {
  readonly content: T;
  /** Of what was asked, to recognise a repeated request. */
  readonly requestDigest: string;
}

/** How the requests of a collection are stored and read. */
export function createSealedRequests<T extends { readonly id: string; readonly createTime: number }>(
  collection: string,
) {
  const placeOf = (partition: string, request: string): Place => [collection, partition, request];
  return {
    document(
      key: PatientKey,
      kept: Pick<SealedRequestDocument, "partition" | "organization_mac" | "origin_mac">,
      sealed: RequestContent<T>,
    ): SealedRequestDocument {
      const { partition, organization_mac, origin_mac } = kept;
      const { id, createTime } = sealed.content;
      return {
        partition,
        request: id,
        create_time: createTime,
        organization_mac,
        origin_mac,
        sealed: sealContent(key, placeOf(partition, id), sealed),
      };
    },
    /** Undefined where the key was destroyed. Throws ConsentError `unreadable`. */
    open(
      sealing: Pick<ConsentSealing, "open">,
      { partition, request, sealed }: SealedRequestDocument,
    ): Promise<RequestContent<T> | undefined> {
      return sealing.open<RequestContent<T>>(placeOf(partition, request), sealed);
    },
  };
}
