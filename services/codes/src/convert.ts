import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ValidateCodeResponse_Fault as FaultMessage } from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import {
  type CodeRelease,
  CodeRelease_Kind,
  CodeRelease_State,
  type CodeReleaseSchema,
  type Concept,
  type ConceptSchema,
} from "@wellapi/gen/wellapi/codes/v1/codes_pb";
import type { KnownCode } from "./catalog/catalog.ts";
import type { Release, ReleaseKind, ReleaseState } from "./releases/release.ts";
import type { Fault } from "./verdict.ts";

const kinds: Readonly<Record<ReleaseKind, CodeRelease_Kind>> = {
  code_system: CodeRelease_Kind.CODE_SYSTEM,
  value_set: CodeRelease_Kind.VALUE_SET,
};

const states: Readonly<Record<ReleaseState, CodeRelease_State>> = {
  loading: CodeRelease_State.LOADING,
  active: CodeRelease_State.ACTIVE,
  deleting: CodeRelease_State.DELETING,
};

export function releaseMessage(release: Release): MessageInitShape<typeof CodeReleaseSchema> {
  const { id, kind, url, version, title, state, sent, created, activated } = release;
  return {
    id,
    kind: kinds[kind],
    url,
    version,
    title,
    state: states[state],
    concepts: BigInt(sent),
    createTime: timestampFromMs(created),
    ...(activated !== undefined && { activateTime: timestampFromMs(activated) }),
  };
}

/** What the caller decides of a release; the contract's rules leave no other kinds. */
export function fromReleaseMessage({ kind, url, version, title }: CodeRelease) {
  return {
    kind: kind === CodeRelease_Kind.VALUE_SET ? ("value_set" as const) : ("code_system" as const),
    url,
    version,
    title,
  };
}

export function conceptMessage({
  system,
  code,
  display,
  inactive,
}: KnownCode): MessageInitShape<typeof ConceptSchema> {
  return { system, code, display, inactive };
}

export function fromConceptMessage({ system, code, display, inactive }: Concept): KnownCode {
  return { system, code, display, inactive };
}

/** How a fault is told. */
export const faultMessages: Readonly<Record<Fault, FaultMessage>> = {
  none: FaultMessage.UNSPECIFIED,
  unknown_code: FaultMessage.UNKNOWN_CODE,
  not_in_fragment: FaultMessage.NOT_IN_FRAGMENT,
  not_in_value_set: FaultMessage.NOT_IN_VALUE_SET,
  wrong_display: FaultMessage.WRONG_DISPLAY,
};
