/** What a notice tells of, as `Notice.Kind` of the contract explains. */
export const noticeKinds = [
  "consent_granted",
  "consent_changed",
  "consent_revoked",
  "consent_ending",
  "consent_requested",
  "first_access",
  "access_at_night",
  "access_after_silence",
  "access_much_more",
  "emergency_access",
  "data_retracted",
  "delegation_accepted",
  "rights_answered",
  "rights_overdue",
  "deletion_overdue",
  "deletion_answered",
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** What a notice refers to. */
export interface References {
  readonly organization?: string;
  readonly consent?: string;
  readonly consentRequest?: string;
  readonly rightsRequest?: string;
  readonly deletionObligation?: string;
  readonly access?: string;
  readonly emergencyAccess?: string;
}

/** What a patient is to be told. */
export interface Told extends References {
  readonly kind: NoticeKind;
  /** When it happened, UTC milliseconds. */
  readonly eventTime: number;
  /** When the consent ends, UTC milliseconds. */
  readonly endTime?: number;
  /** Codes of the data that it is about; empty: it may be about any. */
  readonly codes: readonly string[];
}

/** One notice in the inbox. */
export interface Notice extends Told {
  /** `ntc_...` */
  readonly id: string;
  /** UTC milliseconds. */
  readonly createTime: number;
  readonly read: boolean;
}

/** How long a notice stays in the inbox. */
export const KEPT_MS = 400 * 86_400_000;

/**
 * Whether a notice is shown to somebody who does not see data of these codes: only where it certainly is about others. `open`: the
 * codes that are shown; undefined: all, also what names none.
 */
export function isShown({ codes }: Pick<Told, "codes">, open: ReadonlySet<string> | undefined): boolean {
  return open === undefined || (codes.length > 0 && codes.every((code) => open.has(code)));
}

/** The same for somebody from whom categories are hidden; none: everything is shown. `openCodes`: what is shown where these are hidden. */
export function isShownTo(
  notice: Pick<Told, "codes">,
  hides: readonly string[],
  openCodes: (hides: readonly string[]) => ReadonlySet<string>,
): boolean {
  return isShown(notice, hides.length === 0 ? undefined : openCodes(hides));
}

/** Told at any hour, whatever the preferences say. */
export function isUrgent(kind: NoticeKind): boolean {
  return kind === "emergency_access";
}
