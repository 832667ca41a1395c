import type { Author, Interval, PinnedCategory, Provision, Purpose } from "../consent.ts";

/** What patients demand of organizations by data protection law: the rules. Times are UTC milliseconds. */

export const grounds = ["accuracy_contested", "unlawful", "legal_claims", "objection_pending"] as const;
export type Ground = (typeof grounds)[number];

/** Which data is wrong. Ids are internal. */
export interface Disputed {
  readonly category: string;
  readonly captured: Interval;
  /** `dev_...`; absent: of any device. */
  readonly device?: string;
  /** `rec_...`; absent: any record. */
  readonly record?: string;
}

export type Right =
  | { readonly kind: "rectification"; readonly disputed: Disputed }
  /** `categories` empty: all data. */
  | { readonly kind: "restriction"; readonly ground: Ground; readonly categories: readonly string[] }
  | { readonly kind: "objection"; readonly purpose: Purpose }
  | { readonly kind: "portability" };
export type RightKind = Right["kind"];

export const measures = ["corrected", "retracted", "done"] as const;
export type Measure = (typeof measures)[number];

export const refusalReasons = [
  "unfounded",
  "not_identified",
  "accurate",
  "no_ground",
  "compelling_grounds",
  "legal_claims",
  "public_interest",
  "not_portable",
  "rights_of_others",
  "other_law",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** What an organization says. */
export type RightsSaid =
  | { readonly kind: "fulfilled"; readonly measure: Measure; readonly statement: string }
  | {
      readonly kind: "refused";
      readonly reason: RefusalReason;
      readonly explanation: string;
      readonly remedies: string;
    }
  | { readonly kind: "extended"; readonly reason: string };

export type RightsAnswer = RightsSaid & {
  readonly time: number;
  readonly by: Author;
  /** The entry of the log. */
  readonly access: string;
  readonly requestId: string;
  readonly requestDigest: string;
};

/** That a patient uses a right against an organization. */
export interface RightsRequest {
  readonly id: string;
  readonly organization: string;
  readonly right: Right;
  readonly statement: string;
  /** Names of the categories that it is about, also where it is about all. */
  readonly categories: readonly string[];
  readonly author: Author;
  readonly createTime: number;
  /** The entry of the log. */
  readonly access: string;
  /** Oldest first. */
  readonly answers: readonly RightsAnswer[];
  /** The consent that denies the organization its reads, of a restriction or an objection. */
  readonly denial?: string;
  readonly withdrawTime?: number;
}

export const rightsStates = ["open", "overdue", "fulfilled", "refused", "withdrawn"] as const;
export type RightsState = (typeof rightsStates)[number];

/** Requests to one organization within `countedMs`, whatever became of them: each is told to people there. */
export const mostRequests = 20;
export const countedMs = 30 * 86_400_000;

/** An organization that refuses may say so again, with another reason. */
export const mostAnswers = 20;

export function stateOf(request: RightsRequest, now: number): RightsState {
  if (request.withdrawTime !== undefined) return "withdrawn";
  const decided = request.answers.findLast(({ kind }) => kind !== "extended")?.kind;
  if (decided === "fulfilled" || decided === "refused") return decided;
  return now < dueTimeOf(request) ? "open" : "overdue";
}

/** Until when the organization answers: one month, or three where it said in time that it needs them (GDPR, Article 12(3)). */
export function dueTimeOf({ createTime, answers }: Pick<RightsRequest, "createTime" | "answers">): number {
  return monthsAfter(createTime, answers.some(({ kind }) => kind === "extended") ? 3 : 1);
}

/**
 * The end of the day (UTC) of the same date so many months later, or of that month's last day where it has no such date (Regulation
 * (EEC, Euratom) 1182/71, Article 3(2)(c)). That a holiday may move it further is left out: earlier is on the patient's side.
 */
export function monthsAfter(time: number, months: number): number {
  const from = new Date(time);
  const [year, month] = [from.getUTCFullYear(), from.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(from.getUTCDate(), lastDay) + 1);
}

/** Whether the organization may take two more months: once, in time, and before it has answered. */
export function mayExtend(request: RightsRequest, now: number): boolean {
  return request.answers.length === 0 && stateOf(request, now) === "open";
}

const reasonsOf: Readonly<Record<RightKind, readonly RefusalReason[]>> = {
  rectification: ["accurate"],
  restriction: ["no_ground"],
  objection: ["compelling_grounds", "legal_claims", "public_interest"],
  portability: ["public_interest", "not_portable", "rights_of_others"],
};
const reasonsOfAll: readonly RefusalReason[] = ["unfounded", "not_identified", "other_law"];

/** What can't be said of such a request: the member, and why. Undefined where it can. */
export function misfit(kind: RightKind, said: RightsSaid): readonly [field: string, why: string] | undefined {
  if (said.kind === "fulfilled") {
    const fits = (said.measure === "done") === (kind !== "rectification");
    return fits
      ? undefined
      : [
          "fulfilled.measure",
          kind === "rectification"
            ? "is CORRECTED or RETRACTED for a rectification"
            : "is DONE for this right",
        ];
  }
  if (said.kind !== "refused" || [...reasonsOf[kind], ...reasonsOfAll].includes(said.reason))
    return undefined;
  return ["refused.reason", "is no reason to refuse this right"];
}

/**
 * What the organization may not read by such a request, of all that is known now; undefined: it denies nothing. It holds in an
 * emergency, too, as every denial does.
 */
export function denialOf(right: Right, categories: readonly PinnedCategory[]): Provision | undefined {
  if (right.kind !== "restriction" && right.kind !== "objection") return undefined;
  return {
    effect: "deny",
    directions: ["read"],
    categories,
    purposes: right.kind === "objection" ? [right.purpose] : [],
    captured: {},
    regions: [],
  };
}

/** Whether nobody has decided it yet: until then what it disputes is told marked. */
export function isUndecided(request: RightsRequest): boolean {
  return request.withdrawTime === undefined && request.answers.every(({ kind }) => kind === "extended");
}

/**
 * Whether it is about care to which the patient, a minor, may consent alone, or may be: whoever acts in the patient's name does not
 * learn that there is such a request.
 */
export function isHidden(
  { categories }: Pick<RightsRequest, "categories">,
  hides: readonly string[] | undefined,
): boolean {
  return hides !== undefined && categories.some((one) => hides.includes(one));
}
