import { createHash } from "node:crypto";
import { deleted } from "../errors.ts";

/** Only `active` permits. `deleted` is final. */
export type State = "active" | "disabled" | "deleted";

/** The common part of organizations and applications. Times are UTC milliseconds. */
interface Participant {
  readonly displayName: string;
  readonly createTime: number;
  readonly updateTime: number;
  readonly state: State;
  /** How often the state changed: the journal's order of its changes, which a restore must not undo. */
  readonly stateVersion: number;
}

/** A company or clinic. */
export interface Organization extends Participant {
  /** `org_...` */
  readonly id: string;
}

/** A program of an organization; it holds credentials. */
export interface Application extends Participant {
  /** `app_...` */
  readonly id: string;
  readonly organization: string;
}

export type Kind = "organization" | "application";

export function newParticipant(displayName: string, now: number): Participant {
  return { displayName, createTime: now, updateTime: now, state: "active", stateVersion: 0 };
}

/** The resource in another state; the same object where it has that state already. Throws `deleted`. */
export function inState<T extends Participant>(participant: T, state: State, now: number): T {
  if (participant.state === state) return participant;
  if (participant.state === "deleted") throw deleted();
  return { ...participant, state, stateVersion: participant.stateVersion + 1, updateTime: now };
}

/** The resource with another name. Throws `deleted`. */
export function renamed<T extends Participant>(participant: T, displayName: string, now: number): T {
  if (participant.state === "deleted") throw deleted();
  if (participant.displayName === displayName) return participant;
  return { ...participant, displayName, updateTime: now };
}

/** Names one version by its content (AIP-154). Opaque to callers. */
export function etagOf({ id, displayName, updateTime, state, stateVersion }: Organization): string {
  const content = JSON.stringify([id, displayName, updateTime, state, stateVersion]);
  return createHash("sha256").update(content).digest("base64url").slice(0, 24);
}
