/**
 * What a restore must not undo. `consent_revoked`: a patient revoked a consent. `consent_denies`: a patient denied
 * something to an organization. `consent_amended`: a consent got narrower terms. `patient_erased`: a patient was erased. `retention_ended`: the audit key of an erased patient
 * was destroyed. `credential_revoked`: a credential of an
 * application or an operator ended. `credential_shortened`: it ends at `time`, earlier than it was made for.
 * `signing_key_replaced`: this key must sign no token any more. `member_changed`: an account has these roles in an
 * organization or among the staff, and no others. `invitation_ended`: an invitation was used or taken back.
 * `organization_unverified`: the privacy officer's confirmation was taken back. `emergency_ended`: an emergency
 * access was ended. `emergency_refusal`: a patient refuses all of them, or does not any more. `emergency_code_ended`: a patient's emergency
 * code was replaced or withdrawn. `emergency_disabled`: an organization's clinicians may not open emergency access any more.
 * `record_frozen`: the record of a patient who died froze, or does not any more. The others: the
 * state of an organization or application changed, in this order.
 */
export const factKinds = [
  "consent_revoked",
  "consent_denies",
  "consent_amended",
  "patient_erased",
  "retention_ended",
  "credential_revoked",
  "credential_shortened",
  "signing_key_replaced",
  "organization_disabled",
  "organization_enabled",
  "organization_deleted",
  "application_disabled",
  "application_enabled",
  "application_deleted",
  "member_changed",
  "invitation_ended",
  "organization_unverified",
  "delegation_changed",
  "emergency_ended",
  "emergency_refusal",
  "emergency_code_ended",
  "emergency_disabled",
  "record_frozen",
] as const;
export type FactKind = (typeof factKinds)[number];

/** One fact. References only: no health data, and nothing about a person but internal ids. */
export interface Fact {
  readonly kind: FactKind;
  /** Where the fact holds: a patient's partition, or the service's own. */
  readonly partition: string;
  /**
   * Id of the consent, erasure, credential or key; of a denial, also a tag of the organization (`con_...@<MAC>`); of
   * narrower terms, the consent and its version (`con_....2`); of a state,
   * the id and which change of it (`app_....3`); of a member, organization, account, which change, and the roles
   * (`org_.../acc_....3.owner.developer`); of a delegation, which change and the state (`del_....3.ended`); of a refusal, the patient, which change and the state
   * (`pat_....3.refused`); of a frozen record, the report of the death, which change and the state (`dth_....1.frozen`). A fact is its kind and subject.
   */
  readonly subject: string;
  /** When it takes effect, UTC milliseconds. */
  readonly time: number;
}

/** A place in the journal. */
export interface Link {
  /** From 1, without gaps; 0 is before the first entry. */
  readonly position: number;
  /** 32 bytes that authenticate every entry up to here; empty at 0. */
  readonly mac: Uint8Array;
}

export interface Entry extends Fact, Link {}

/** What a journal holds: the entries after `base`, up to `head`. */
export interface Extent {
  /** Random, made with the journal: tells it from every other. */
  readonly journal: string;
  /** Entries up to here were dropped, because no backup is that old. */
  readonly base: Link;
  readonly head: Link;
}

/**
 * Where entries are stored: a store of its own, or a service that has one. It has no key: it can lose entries, which
 * is noticed, and it cannot forge one. Methods throw JournalError `unavailable`.
 */
export interface JournalRepository {
  extent(): Promise<Extent>;
  /** Entries after a position in ascending order, at most `limit`. */
  read(after: number, limit: number): Promise<readonly Entry[]>;
  /**
   * Durable when it resolves. `known`: the journal already has the fact. `conflict`: the entry does not follow the
   * head, because another writer was faster.
   */
  append(entry: Entry): Promise<"appended" | "known" | "conflict">;
}

/** Facts that must not be undone, in the order in which they were recorded. Methods throw JournalError. */
export interface Journal {
  extent(): Promise<Extent>;
  /** As the repository returns them, unverified. */
  read(after: number, limit: number): Promise<readonly Entry[]>;
  /** Records a fact, once however often it is called; durable when it resolves. */
  append(fact: Fact): Promise<void>;
  /** Entries after a place up to the head, each verified. Throws `tampered`. */
  entries(after: Link): AsyncGenerator<Entry>;
}
