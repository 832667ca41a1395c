import type { HandlerContext } from "@connectrpc/connect";
import type { SourceFilter } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { callerKey, callersOf, partyOf, patientHeader } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import { ConsentNotes } from "../gate/consent-notes.ts";
import { DisputeNotes } from "../gate/disputes.ts";
import type { Gate } from "../gate/gate.ts";
import type { Intent } from "../gate/intent.ts";
import { codesWithin } from "../gate/token-scope.ts";
import type { Interval } from "../model/interval.ts";
import { codeKeyOf } from "./code-selector.ts";
import { methodOf } from "./method-convert.ts";
import { sourceFilterOf } from "./source-convert.ts";

export interface ReadRequestDeps {
  readonly gate: Pick<Gate, "subject">;
  readonly terminology: Terminology;
  readonly pairwise: Pairwise;
}

type Asked = { readonly patient: string; readonly purpose: Purpose };

/** The common part of all reads' requests. */
export function createReadRequests({ gate, terminology, pairwise }: ReadRequestDeps) {
  return {
    /** The key under which the requested code is stored and consented. */
    codeKey: (coding: { readonly system: string; readonly code: string }) => codeKeyOf(terminology, coding),

    sourcesOf: ({ caller }: Intent, { sources }: { readonly sources?: SourceFilter | undefined }) =>
      sourceFilterOf(pairwise, partyOf(caller), sources),

    /** The caller's intent. Tells the door whose data the answer carries. */
    intentOf(request: Asked, codes: readonly string[], interval: Interval, context: HandlerContext): Intent {
      const { principal } = context.values.get(callerKey);
      const within = codesWithin(terminology, principal, callersOf(context.method)?.scopes ?? []);
      const intent = { ...readIntent(request, codes, interval, context), within };
      const { partition } = gate.subject(intent.caller, intent.patient);
      context.responseHeader.set(patientHeader, partition);
      return intent;
    },
  };
}

export type ReadRequests = ReturnType<typeof createReadRequests>;

export function readIntent(
  { patient, purpose }: { readonly patient: string; readonly purpose: Purpose },
  codes: readonly string[],
  interval: Interval,
  context: HandlerContext,
): Intent {
  const caller = context.values.get(callerKey);
  return {
    caller,
    method: methodOf(context),
    patient,
    direction: "read",
    purpose,
    codes,
    interval,
    disputes: new DisputeNotes(),
    consents: new ConsentNotes(),
  };
}
