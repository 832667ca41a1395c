import type { Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import type { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import type {
  CaptureMethod,
  Direction,
  Purpose,
  Resolution,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

/** The question that an enforcer asks before data moves. */
export interface Question {
  /** `<region>/<internal patient id>`. */
  readonly partition: string;
  readonly organization: string;
  readonly direction: Direction;
  /** LOINC code. */
  readonly code: string;
  /** PURPOSE_UNSPECIFIED for contributing. */
  readonly purpose: Purpose;
  readonly region: string;
  /** The account of the person who reads for an emergency, whose emergency access counts. Absent: none counts. */
  readonly person?: string;
  /**
   * By how many seconds the organization's clock is ahead of this process's, in a sandbox. Absent: not at all. The decision is that of the
   * time there: another one is another question, so nothing that was remembered counts after a move.
   */
  readonly aheadSeconds?: number;
}

/** What one provision of a consent permits now, with its obligations. Times are UTC milliseconds, half-open. */
export interface Permit {
  /** `con_...`; of emergency access `emg_...`. */
  readonly consent: string;
  readonly version: number;
  /** The provision's position in the consent, from 0. */
  readonly provision: number;
  readonly resolution: Resolution;
  /** Only data captured within: from <= t < to. */
  readonly from: number;
  readonly to: number;
  /** For a sliding window: the values from which `from` was computed. */
  readonly sliding?: Sliding;
  /** Only data of these sources. Absent: of all. */
  readonly sources?: Sources;
  /** What is left out of it. Absent: nothing. */
  readonly masks?: readonly Mask[];
  /** The permit is in force until then. */
  readonly notAfter: number;
  /** It is emergency access, not a consent. */
  readonly emergency?: true;
  /** Only for exports that leave out what tells who the patient is: no other use of it is permitted. */
  readonly deIdentified?: true;
}

/**
 * Whose data: that of these organizations alone, or that of all but these. Devices are named by `sourceDeviceKey`; what was sent without one
 * goes with its organization.
 */
export type Sources = ({ readonly only: ReadonlySet<string> } | { readonly except: ReadonlySet<string> }) & {
  /** Devices whose data counts, although that of their organizations does not. Absent: none. */
  readonly also?: ReadonlySet<string>;
  /** Devices whose data does not count, although that of their organizations does. Absent: none. */
  readonly without?: ReadonlySet<string>;
  /** Of these, only what came about in one of these ways. Absent: in any, and what does not say it. */
  readonly onlyMethods?: ReadonlySet<CaptureMethod>;
  /** Of these, not what came about in one of these ways. Absent: all. */
  readonly exceptMethods?: ReadonlySet<CaptureMethod>;
};

/** Names a device (internal id, `dev_...`) as one organization sends its data. */
export function sourceDeviceKey(organization: string, device: string): string {
  return `${organization} ${device}`;
}

/** Only data captured in the last `lastMs` milliseconds before each use, and not before `from`. */
export interface Sliding {
  readonly lastMs: number;
  readonly from: number;
}

/** Data that its patient disputes: it is told marked. Times are UTC milliseconds, half-open. */
export interface Dispute {
  /** Who contributed it. */
  readonly organization: string;
  /** Captured within: from <= t < to. */
  readonly from: number;
  readonly to: number;
  /** Of this device alone, internal id, `dev_...`. Absent: of any. */
  readonly device?: string;
  /** This clinical record alone, internal id, `rec_...`. Absent: any, and what was measured. */
  readonly record?: string;
}

export type Decision =
  | {
      readonly permitted: true;
      readonly permits: readonly [Permit, ...Permit[]];
      /** Which of the data the patient disputes. Absent: none of it. */
      readonly disputes?: readonly Dispute[];
    }
  | { readonly permitted: false; readonly reason: DenialReason };

/** A change of a patient's consents. Earlier decisions about the patient no longer count. */
export interface Recall {
  readonly partition: string;
  /** The change takes nothing away: answers in flight, which were decided before, may still arrive. */
  readonly onlyWidens: boolean;
  /** The organizations whose consents changed. Empty: everybody is concerned, also the patient. */
  readonly grantees: readonly string[];
}

/** The enforcement side of the session protocol. */
export interface Enforcer {
  /**
   * Decides now. From the cache under a live session (microseconds), else by asking the consent service.
   * Throws EnforcerError `undecided` without a live session: release nothing, store nothing, answer
   * UNAVAILABLE with a retry hint. A decision holds for the one read or write that starts with it: ask again
   * for the next message of a stream.
   */
  decide(question: Question): Promise<Decision>;
  /** The cached decision if it is still sure, without waiting; undefined: call `decide`. */
  peek(question: Question): Decision | undefined;
  /**
   * Called at each recall before it is acknowledged, and with undefined when the session ends. The listener must
   * release everything that may not outlive the recall before it returns. A listener that throws ends the session
   * without an acknowledgement.
   */
  onRecall(listener: (recall: Recall | undefined) => void): () => void;
  /** Whether a session is live at this instant, by both clocks. */
  isLive(): boolean;
  /** Resolves when a session is live. */
  ready(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
