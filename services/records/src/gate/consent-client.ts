import { timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  type Decision,
  type Dispute,
  type Enforcer,
  judgedAt,
  type Permit,
  type Question,
} from "@wellapi/enforcer";
import { Mask as MaskMessage } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  ConsentDecisionService,
  type ForeseeRequest,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Principal } from "@wellapi/rpc";
import type { OrganizationTimes } from "@wellapi/service";
import { invalidField, type RecordsError, refusal } from "../errors.ts";
import { unite } from "../model/interval.ts";
import type { Contributions } from "./contribution.ts";
import type { Mask } from "./masks.ts";
import type { ConsentPermit } from "./permit.ts";
import type { Subject } from "./subject.ts";

/** The permits to read a code now; `own` for patients who read their own data, which needs none. */
export type ReadDecision =
  | { readonly own: true }
  | {
      readonly own: false;
      readonly permits: readonly ConsentPermit[];
      /** Which of the data the patient disputes. Absent: none of it. */
      readonly disputes?: readonly Dispute[];
    };

/** What is looked at: what there is for an organization or by a consent, or would be, as the contract says it. */
export type View = Exclude<ForeseeRequest["view"], { case: undefined }>;

/** Whose view of a patient is foreseen, for what, and of which data. */
export interface Foreseeing {
  readonly partition: string;
  /** By whose ids the view names devices. */
  readonly party: string;
  /** Categories that are hidden from who acts in the patient's name. */
  readonly hides: readonly string[];
  readonly purpose: number;
  readonly codes: readonly string[];
  readonly view: View;
}

/** Decisions that nobody reads by but the patient. */
export interface Foreseen {
  readonly organization: string;
  /** UTC milliseconds: the time for which they are. */
  readonly time: number;
  /** As `decideRead` decides for the organization. Throws RecordsError CONSENT_REQUIRED for a denial. */
  decide(code: string): ReadDecision;
}

/** Decisions by the patients' consents. Throws EnforcerError `undecided` where no decision is possible. */
export interface ConsentClient {
  /**
   * Decides now whether the caller may read a code. A permit holds for one read or message. Throws RecordsError
   * CONSENT_REQUIRED for a denial. `deIdentified`: whether the data leaves without what tells who the patient is: then the
   * provisions for that count, and else all others.
   */
  decideRead(
    subject: Subject,
    principal: Pick<Principal, "kind" | "id" | "organization">,
    code: string,
    purpose: number,
    deIdentified?: boolean,
  ): Promise<ReadDecision>;
  /** What would be decided about each of these codes, for a preview. Throws ConnectError, of the consent service. */
  foresee(asked: Foreseeing): Promise<Foreseen>;
  /** Decides now what the organization may contribute. */
  contributions(subject: Subject, organization: string, codes: Iterable<string>): Promise<Contributions>;
  /** Revokes all of a patient's consents; resolves once every enforcer has dropped them. */
  revokeAll(partition: string): Promise<void>;
  /** Deletes the consents of an erased patient, because their retention is over. */
  deleteAll(partition: string): Promise<void>;
}

/** A preview is no read that others wait for; who waits longer asks again. */
const foreseeWithinMs = 5_000;

export interface ConsentClientDeps {
  readonly enforcer: Enforcer;
  readonly consent: Transport;
  /** What is decided for an organization is decided at its time. */
  readonly times: OrganizationTimes;
  /** Where this installation receives data. */
  readonly region: string;
}

export function createConsentClient({ enforcer, consent, times, region }: ConsentClientDeps): ConsentClient {
  const decisions = createClient(ConsentDecisionService, consent);

  async function decide(question: Omit<Question, "region" | "aheadSeconds">) {
    const looking = times.look();
    if (looking !== undefined) await looking;
    const ahead = times.aheadOf(question.organization);
    const asked =
      ahead === 0 ? { ...question, region } : { ...question, region, aheadSeconds: ahead / 1_000 };
    return enforcer.peek(asked) ?? (await enforcer.decide(asked));
  }

  return {
    async decideRead({ own, partition }, { kind, id, organization }, code, purpose, deIdentified = false) {
      if (own && deIdentified) throw denied(DenialReason.NO_CONSENT);
      if (own) {
        if (purpose === Purpose.PATIENT_REQUEST) return { own };
        throw invalidField("purpose", "a patient reads their own data for PURPOSE_PATIENT_REQUEST");
      }
      if (organization === undefined) throw denied(DenialReason.NO_CONSENT);
      const question = { partition, organization, direction: Direction.READ, code, purpose };
      // Emergency access is a person's own; for other purposes the person makes no difference.
      const inPerson = purpose === Purpose.EMERGENCY && kind === "member";
      return readDecision(await decide(inPerson ? { ...question, person: id } : question), deIdentified);
    },

    async foresee({ partition, party, hides, purpose, codes, view }) {
      const hiddenCategories = [...hides];
      const asked = { partition, party, hiddenCategories, purpose, region, codes: [...codes], view };
      const foreseen = await decisions.foresee(asked, { timeoutMs: foreseeWithinMs });
      const { organization } = foreseen;
      const at = timestampMs(foreseen.time!);
      const byCode = new Map(codes.map((code, i) => [code, judgedAt(foreseen.decisions[i]!, at)]));
      return {
        organization,
        time: at,
        decide(code) {
          const decision = byCode.get(code);
          if (decision === undefined) throw denied(DenialReason.CATEGORY);
          return readDecision(decision, false);
        },
      };
    },

    async contributions({ partition }, organization, codes) {
      const decideOne = async (code: string) => {
        const decision = await decide({
          partition,
          organization,
          direction: Direction.CONTRIBUTE,
          code,
          purpose: Purpose.UNSPECIFIED,
        });
        if (!decision.permitted) return { permitted: false, ...lack(decision.reason), permits: [] } as const;
        const { permits } = decision;
        return { permitted: true, windows: unite(permits), permits } as const;
      };
      const entries = [...new Set(codes)].map(async (code) => [code, await decideOne(code)] as const);
      return new Map(await Promise.all(entries));
    },

    async revokeAll(partition) {
      await decisions.revokeAllConsents({ partition });
    },

    async deleteAll(partition) {
      await decisions.deleteConsents({ partition });
    },
  };
}

/** What a decision lets be read. Throws CONSENT_REQUIRED for a denial. */
function readDecision(decision: Decision, deIdentified: boolean): ReadDecision {
  if (!decision.permitted) throw denied(decision.reason);
  const permits = decision.permits.filter((permit) => (permit.deIdentified === true) === deIdentified);
  // What is permitted without a name only is as if it were not there for who asks with one, and the other way round.
  if (permits.length === 0) throw denied(DenialReason.CATEGORY);
  const { disputes } = decision;
  return { own: false, permits: permits.map(consentPermit), ...(disputes && { disputes }) };
}

/** An unknown resolution never permits. */
function consentPermit(permit: Permit): ConsentPermit {
  const { consent, version, provision, resolution, from, to, sliding, sources, masks, emergency } = permit;
  const window = { from, to };
  return {
    consent,
    version,
    provision,
    fineness: fineness.get(resolution),
    window,
    sliding,
    sources,
    masks: masks && new Set(masks.flatMap((mask) => maskNames.get(mask) ?? [])),
    emergency,
  };
}

const maskNames: ReadonlyMap<MaskMessage, Mask> = new Map([
  [MaskMessage.DEVICE, "device"],
  [MaskMessage.NOTES, "notes"],
  [MaskMessage.PERFORMER, "performer"],
]);

const fineness: ReadonlyMap<Resolution, ConsentPermit["fineness"]> = new Map([
  [Resolution.RAW, "raw"],
  [Resolution.HOURLY, "hourly"],
  [Resolution.DAILY, "daily"],
]);

function lack(reason: DenialReason): { scope: "none" | "other"; reason: string } {
  switch (reason) {
    case DenialReason.CATEGORY:
      return { scope: "other", reason: "CONSENT_CATEGORY" };
    case DenialReason.REGION:
      return { scope: "other", reason: "CONSENT_REGION" };
    case DenialReason.DENIED:
      return { scope: "other", reason: "CONSENT_DENIED" };
    case DenialReason.PURPOSE:
      return { scope: "other", reason: "CONSENT_PURPOSE" };
    case DenialReason.FROZEN:
      return { scope: "none", reason: "RECORD_FROZEN" };
    default:
      return { scope: "none", reason: "CONSENT_REQUIRED" };
  }
}

/**
 * The caller gets CONSENT_REQUIRED for every reason; the log shows the reason to the patient. But for a frozen record: only who has a
 * consent gets this reason, and must know that asking for another one does not help.
 */
function denied(reason: DenialReason): RecordsError {
  if (reason === DenialReason.FROZEN) return refusal("RECORD_FROZEN");
  return refusal("CONSENT_REQUIRED", { logged: `CONSENT_${DenialReason[reason] ?? "UNKNOWN"}` });
}
