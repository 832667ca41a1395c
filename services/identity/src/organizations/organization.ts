import { createHash } from "node:crypto";
import { deleted, emergencyUnverified, organizationVerified } from "../errors.ts";
import type { OAuthClient } from "../oauth/client.ts";

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
  /** Absent: UNVERIFIED, as all are that versions before stored. */
  readonly verification?: Verification | undefined;
  /** How often that changed; absent: never. */
  readonly verificationVersion?: number;
  /** Since when its clinicians may open emergency access, UTC milliseconds. Absent: they may not. */
  readonly emergencyAccessTime?: number | undefined;
  /** How often that changed; absent: never. */
  readonly emergencyVersion?: number;
}

/** What the privacy officer has confirmed. */
export interface Verification {
  readonly legalName: string;
  readonly domain: string;
  readonly agreements: readonly string[];
  /** Id of who confirmed it. */
  readonly verifier: string;
  readonly verifyTime: number;
}

/** A program of an organization; it holds credentials. */
export interface Application extends Participant {
  /** `app_...` */
  readonly id: string;
  readonly organization: string;
  /** Absent: it takes no part in OAuth. */
  readonly oauth?: OAuthClient | undefined;
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

/** The resource with another name. Throws `deleted`, and `organization_verified`: people know it by its name. */
export function renamed<T extends Participant & Pick<Organization, "verification">>(
  participant: T,
  displayName: string,
  now: number,
): T {
  if (participant.state === "deleted") throw deleted();
  if (participant.displayName === displayName) return participant;
  if (participant.verification !== undefined) throw organizationVerified();
  return { ...participant, displayName, updateTime: now };
}

/** The organization with what was confirmed, or with nothing. The same object where that is so already. Throws `deleted`. */
export function withVerification(
  organization: Organization,
  verification: Verification | undefined,
  now: number,
): Organization {
  if (organization.state === "deleted") throw deleted();
  const content = (of: Verification | undefined) =>
    of && JSON.stringify([of.legalName, of.domain, of.agreements]);
  if (content(organization.verification) === content(verification)) return organization;
  const verificationVersion = (organization.verificationVersion ?? 0) + 1;
  const changed = { ...organization, verification, verificationVersion, updateTime: now };
  // Whoever verifies it again has not said that its clinicians may do that again.
  return verification === undefined ? withoutEmergencyAccess(changed, now) : changed;
}

/** Throws `deleted`, and `emergency_unverified` for an organization that is not verified. The same object where it is on. */
export function withEmergencyAccess(organization: Organization, now: number): Organization {
  if (organization.state === "deleted") throw deleted();
  if (organization.verification === undefined) throw emergencyUnverified();
  return organization.emergencyAccessTime === undefined ? switched(organization, now, now) : organization;
}

/** The same object where it is off. */
export function withoutEmergencyAccess(organization: Organization, now: number): Organization {
  return organization.emergencyAccessTime === undefined
    ? organization
    : switched(organization, undefined, now);
}

function switched(organization: Organization, since: number | undefined, now: number): Organization {
  const emergencyVersion = (organization.emergencyVersion ?? 0) + 1;
  return { ...organization, emergencyAccessTime: since, emergencyVersion, updateTime: now };
}

/** Whether its clinicians may open emergency access now. */
export function mayOpenEmergencies({ state, verification, emergencyAccessTime }: Organization): boolean {
  return state === "active" && verification !== undefined && emergencyAccessTime !== undefined;
}

/** The application as another client, or as none. Throws `deleted`. */
export function registeredAs(
  application: Application,
  oauth: OAuthClient | undefined,
  now: number,
): Application {
  if (application.state === "deleted") throw deleted();
  if (JSON.stringify(application.oauth) === JSON.stringify(oauth)) return application;
  return { ...application, oauth, updateTime: now };
}

/** Names one version by its content (AIP-154). Opaque to callers. */
export function etagOf(participant: Organization | Application): string {
  const { id, displayName, updateTime, state, stateVersion } = participant;
  const { oauth, verificationVersion, emergencyVersion } = participant as Partial<Application & Organization>;
  const more = [verificationVersion, emergencyVersion && `emergency ${emergencyVersion}`, oauth].filter(
    (one) => one !== undefined,
  );
  const content = JSON.stringify([id, displayName, updateTime, state, stateVersion, ...more]);
  return createHash("sha256").update(content).digest("base64url").slice(0, 24);
}
