import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { ConsentRequest_State as State } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { DeletionObligation_State as ObligationState } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { RightsRequest_State as RightsState } from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import { unlessMissing } from "../consent-client.ts";
import type { ConsentVersions, ObligationCourse, RequestCourse, RightsCourse, Subject } from "./event.ts";

/** What consent says of its consents, requests and obligations, now. Throws ConnectError. */
export interface CourseClient {
  /** Undefined where there is none (any more). */
  consent(patient: string, consent: string): Promise<ConsentVersions | undefined>;
  /** As `consent`. */
  request(patient: string, consentRequest: string): Promise<RequestCourse | undefined>;
  /** As `consent`. */
  obligation(patient: string, deletionObligation: string): Promise<ObligationCourse | undefined>;
  /** As `consent`. */
  rights(patient: string, rightsRequest: string): Promise<RightsCourse | undefined>;
  /** Of each the organization that may read it; empty where there is none (any more). At most 100. */
  holders(held: readonly (Subject & { readonly patient: string })[]): Promise<readonly string[]>;
}

const states: Readonly<Record<State, RequestCourse["state"] | undefined>> = {
  [State.UNSPECIFIED]: undefined,
  [State.OPEN]: "open",
  [State.ACCEPTED]: "accepted",
  [State.REFUSED]: "refused",
  [State.WITHDRAWN]: "withdrawn",
  [State.LAPSED]: "lapsed",
};

const obligationStates: Readonly<Record<ObligationState, ObligationCourse["state"] | undefined>> = {
  [ObligationState.UNSPECIFIED]: undefined,
  [ObligationState.OPEN]: "open",
  [ObligationState.DELETED]: "answered",
  [ObligationState.KEPT]: "answered",
  [ObligationState.OVERDUE]: "overdue",
};

const rightsStates: Readonly<Record<RightsState, RightsCourse["state"] | undefined>> = {
  [RightsState.UNSPECIFIED]: undefined,
  [RightsState.OPEN]: "open",
  [RightsState.OVERDUE]: "overdue",
  [RightsState.FULFILLED]: "answered",
  [RightsState.REFUSED]: "answered",
  [RightsState.WITHDRAWN]: "withdrawn",
};

export function createCourseClient(transport: Transport): CourseClient {
  const directory = createClient(ConsentDirectoryService, transport);
  return {
    async consent(partition, consent) {
      const found = await unlessMissing(directory.describeVersions({ partition, consent }));
      if (found === undefined) return undefined;
      const { organization, versions, revoked, endTime } = found;
      return {
        organization,
        revoked,
        versions: versions.map(({ version, time }) => ({ version, time: time ? timestampMs(time) : 0 })),
        ...(endTime !== undefined && { endTime: timestampMs(endTime) }),
      };
    },
    async request(partition, consentRequest) {
      const found = await unlessMissing(directory.describeRequest({ partition, consentRequest }));
      if (found === undefined) return undefined;
      const { organization, state: stated, expireTime, decideTime } = found;
      const state = states[stated];
      // Consent of a version before does not say it: the event waits until it does.
      if (state === undefined || expireTime === undefined) {
        throw new ConnectError("consent does not say what became of a request", Code.Unavailable);
      }
      return {
        organization,
        state,
        expireTime: timestampMs(expireTime),
        ...(decideTime !== undefined && { decideTime: timestampMs(decideTime) }),
      };
    },
    async obligation(partition, deletionObligation) {
      const found = await unlessMissing(directory.describeObligation({ partition, deletionObligation }));
      if (found === undefined) return undefined;
      const { organization, state: stated, createTime, dueTime } = found;
      const state = obligationStates[stated];
      if (state === undefined || createTime === undefined || dueTime === undefined) {
        throw new ConnectError("consent does not say what became of an obligation", Code.Unavailable);
      }
      return { organization, state, createTime: timestampMs(createTime), dueTime: timestampMs(dueTime) };
    },
    async rights(partition, rightsRequest) {
      const found = await unlessMissing(directory.describeRightsRequest({ partition, rightsRequest }));
      if (found === undefined) return undefined;
      const { organization, state: stated, createTime, dueTime, withdrawTime } = found;
      const state = rightsStates[stated];
      if (state === undefined || createTime === undefined || dueTime === undefined) {
        throw new ConnectError("consent does not say what became of a right", Code.Unavailable);
      }
      return {
        organization,
        state,
        createTime: timestampMs(createTime),
        dueTime: timestampMs(dueTime),
        ...(withdrawTime !== undefined && { withdrawTime: timestampMs(withdrawTime) }),
      };
    },
    async holders(held) {
      if (held.length === 0) return [];
      const holdings = held.map(({ patient, ...subject }) => ({ partition: patient, held: heldOf(subject) }));
      return (await directory.resolveHolders({ holdings })).organizations;
    },
  };
}

function heldOf({ consent, consentRequest, rightsRequest, deletionObligation = "" }: Subject) {
  if (consent !== undefined) return { case: "consent" as const, value: consent };
  if (consentRequest !== undefined) return { case: "consentRequest" as const, value: consentRequest };
  if (rightsRequest !== undefined) return { case: "rightsRequest" as const, value: rightsRequest };
  return { case: "deletionObligation" as const, value: deletionObligation };
}

/** Whether consent could not answer at this moment. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  return [Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted].includes(error.code);
}
