import type { Outcome } from "@wellapi/access-log";
import type { Caller } from "@wellapi/rpc";
import type { Interval } from "../model/interval.ts";
import type { ConsentNotes } from "./consent-notes.ts";
import type { DisputeNotes } from "./disputes.ts";
import type { Fineness } from "./permit.ts";
import type { CodesWithin } from "./token-scope.ts";

/** Why data is accessed; the numbers are the contract's Purpose. */
export type Purpose = number;

/** What a call asks for, for its entry in the log, and what its decisions say of the data. */
export interface Intent {
  readonly caller: Caller;
  /** Fully qualified, e.g. `wellapi.records.v1.RecordsService/ReadSeries`. */
  readonly method: string;
  /** The patient's id as the caller sent it. */
  readonly patient: string;
  readonly direction: "contribute" | "read";
  /** Absent for contributing. */
  readonly purpose?: Purpose;
  readonly codes: readonly string[];
  /** What the scopes of the caller's token leave of all codes. Absent: everything. */
  readonly within?: CodesWithin;
  readonly interval?: Interval;
  /** The data leaves without what tells who the patient is. */
  readonly deIdentified?: true;
  /** The batch's request id, or the batch. */
  readonly requestId?: string;
  /** Filled by the call's decisions. Absent: its answer marks nothing. */
  readonly disputes?: DisputeNotes;
  /** Filled by the call's decisions. Absent: its answer names no consents. */
  readonly consents?: ConsentNotes;
  /** Of the call, where it is traced: calls that commit together do so in the context of one of them. */
  readonly trace?: string | undefined;
}

/** What permitted a call: a consent, or emergency access. */
export interface UsedPermit {
  readonly consent: string;
  readonly version: number;
  readonly emergency?: true | undefined;
}

/** What a call that reads several sources read of one of them. */
export interface ReadPart {
  /** The method that reads it alone. */
  readonly method: string;
  readonly codes: readonly string[];
  readonly interval: Interval;
  readonly items: number;
  readonly consents: readonly UsedPermit[];
  readonly fineness: Fineness | undefined;
}

/** The result of the call. */
export interface Result {
  /** Default: a whole call. */
  readonly phase?: "call" | "opened" | "changed" | "closed";
  /** Default: permitted. */
  readonly outcome?: Outcome;
  /** UPPER_SNAKE_CASE. */
  readonly reason?: string;
  readonly consents?: readonly UsedPermit[];
  /** Number of samples or records that were stored or sent. */
  readonly items?: number;
  /** Of the values that were sent, at the finest. Absent: none were, or the entry must not say. */
  readonly fineness?: Fineness | undefined;
  /** Of a preview: the organization whose view it was. */
  readonly previewed?: string | undefined;
  /** The opening entry, for a later phase. */
  readonly openedBy?: string;
  /** Of a call that read several sources. */
  readonly parts?: readonly ReadPart[];
}
