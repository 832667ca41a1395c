/** What organizations are told: the rules. Times are UTC milliseconds. */

export const eventKinds = [
  "consent_granted",
  "consent_changed",
  "consent_revoked",
  "consent_ended",
  "consent_request_accepted",
  "consent_request_refused",
  "consent_request_lapsed",
  "deletion_obligation_created",
  "deletion_obligation_overdue",
  "rights_request_created",
  "rights_request_withdrawn",
  "rights_request_overdue",
] as const;
export type EventKind = (typeof eventKinds)[number];

/** How long an event is listed. */
export const LISTED_MS = 30 * 86_400_000;
/** How long it is stored: longer than a broker brings again what leads to it. */
export const STORED_MS = 35 * 86_400_000;

/** What an event is about: one of them. */
export interface Subject {
  readonly consent?: string;
  readonly consentRequest?: string;
  readonly deletionObligation?: string;
  readonly rightsRequest?: string;
}

/** Something that happened to what a subject names. */
export interface Step extends Subject {
  readonly kind: EventKind;
  readonly time: number;
  /** The version of the consent that came of it; 0: none did. */
  readonly version: number;
  /** Steps of one line follow each other, by `rank`. */
  readonly line: string;
  readonly rank: number;
}

/** An event as its organization reads it. */
export interface OrganizationEvent extends Subject, Pick<Step, "kind" | "time" | "version"> {
  /** `evt_...` */
  readonly id: string;
  readonly sequence: number;
  /** The patient's partition. */
  readonly patient: string;
}

/** The internal id in a patient's partition, `<region>/<patient>`. */
export function patientIn(partition: string): string {
  return partition.slice(partition.indexOf("/") + 1);
}

/** What has become of a subject so far. */
export interface Course {
  /** Whose event it is. */
  readonly organization: string;
  /** Oldest first. */
  readonly steps: readonly Step[];
  /** When something happens to it by itself. Absent: nothing will. */
  readonly due?: number;
}

/** That an organization did not answer in time. */
export type OverdueStep = Step & { readonly kind: "deletion_obligation_overdue" | "rights_request_overdue" };

/** Undefined where nothing is overdue, or not any more. */
export function overdueIn({ steps }: Course): OverdueStep | undefined {
  return steps.find(
    (step): step is OverdueStep =>
      step.kind === "deletion_obligation_overdue" || step.kind === "rights_request_overdue",
  );
}

/** A consent with its versions, oldest first. */
export interface ConsentVersions {
  readonly organization: string;
  readonly versions: ReadonlyArray<{ readonly version: number; readonly time: number }>;
  readonly revoked: boolean;
  /** Absent: it does not end by itself. */
  readonly endTime?: number;
}

export function courseOfConsent(consent: string, facts: ConsentVersions, now: number): Course {
  const { organization, versions, revoked, endTime } = facts;
  const steps = versions.map(({ version, time }, i): Step => {
    const kind = i < versions.length - 1 || !revoked ? undefined : "consent_revoked";
    const usual = version === 1 ? "consent_granted" : "consent_changed";
    return { kind: kind ?? usual, consent, version, time, line: `consent ${consent}`, rank: version };
  });
  if (revoked || endTime === undefined) return { organization, steps };
  if (now < endTime) return { organization, steps, due: endTime };
  const ended = { kind: "consent_ended", consent, version: 0, time: endTime } as const;
  return { organization, steps: [...steps, { ...ended, line: `end of ${consent}`, rank: 1 }] };
}

/** A request for consent as it stands. */
export interface RequestCourse {
  readonly organization: string;
  readonly state: "open" | "accepted" | "refused" | "withdrawn" | "lapsed";
  readonly expireTime: number;
  /** Of what was accepted, refused or withdrawn. */
  readonly decideTime?: number;
}

export function courseOfRequest(consentRequest: string, facts: RequestCourse): Course {
  const { organization, state, expireTime, decideTime = expireTime } = facts;
  if (state === "open") return { organization, steps: [], due: expireTime };
  // The organization itself withdraws.
  if (state === "withdrawn") return { organization, steps: [] };
  const kind = `consent_request_${state}` as const;
  const about = { consentRequest, version: 0, line: `request ${consentRequest}`, rank: 1 };
  return { organization, steps: [{ ...about, kind, time: decideTime }] };
}

/** An obligation to delete as it stands. */
export interface ObligationCourse {
  readonly organization: string;
  readonly state: "open" | "answered" | "overdue";
  readonly createTime: number;
  readonly dueTime: number;
}

export function courseOfObligation(deletionObligation: string, facts: ObligationCourse): Course {
  const { organization, state, createTime, dueTime } = facts;
  const about = { deletionObligation, version: 0, line: `obligation ${deletionObligation}` };
  const created = { ...about, kind: "deletion_obligation_created", time: createTime, rank: 1 } as const;
  if (state === "open") return { organization, steps: [created], due: dueTime };
  if (state === "answered") return { organization, steps: [created] };
  const overdue = { ...about, kind: "deletion_obligation_overdue", time: dueTime, rank: 2 } as const;
  return { organization, steps: [created, overdue] };
}

/** A request by which a patient uses a right, as it stands. */
export interface RightsCourse {
  readonly organization: string;
  readonly state: "open" | "answered" | "withdrawn" | "overdue";
  readonly createTime: number;
  readonly dueTime: number;
  /** Of what was withdrawn. */
  readonly withdrawTime?: number;
}

export function courseOfRights(rightsRequest: string, facts: RightsCourse): Course {
  const { organization, state, createTime, dueTime, withdrawTime = createTime } = facts;
  const about = { rightsRequest, version: 0, line: `rights request ${rightsRequest}` };
  const created = { ...about, kind: "rights_request_created", time: createTime, rank: 1 } as const;
  if (state === "open") return { organization, steps: [created], due: dueTime };
  if (state === "answered") return { organization, steps: [created] };
  const overdue = { ...about, kind: "rights_request_overdue", time: dueTime, rank: 2 } as const;
  if (state === "overdue") return { organization, steps: [created, overdue] };
  const withdrawn = { ...about, kind: "rights_request_withdrawn", time: withdrawTime, rank: 3 } as const;
  return { organization, steps: [created, withdrawn] };
}
