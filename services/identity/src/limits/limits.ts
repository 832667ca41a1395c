import { createHash } from "node:crypto";

/** Units a second; 0: not set. */
export interface Rates {
  readonly organizationRate: number;
  readonly applicationRate: number;
  readonly credentialRate: number;
  /** Of the installation only. */
  readonly patientRate: number;
}

/** What operators have set, for an organization or for the installation. */
export interface Limits extends Rates {
  /** Empty: the installation. */
  readonly organization: string;
  /** UTC milliseconds; undefined: nothing was ever set. */
  readonly updateTime?: number;
}

const notSet: Rates = { organizationRate: 0, applicationRate: 0, credentialRate: 0, patientRate: 0 };

export function noLimits(organization: string): Limits {
  return { organization, ...notSet };
}

/** The limits with other rates; the same object where they are equal. */
export function withRates(limits: Limits, change: Partial<Rates>, now: number): Limits {
  const changed = { ...limits, ...change };
  const names = Object.keys(notSet) as (keyof Rates)[];
  return names.every((name) => changed[name] === limits[name]) ? limits : { ...changed, updateTime: now };
}

/** The rates that hold for an organization's callers: its own, and where it has none the installation's. */
export function ratesOf(own: Limits, installation: Limits): Rates {
  return {
    organizationRate: own.organizationRate || installation.organizationRate,
    applicationRate: own.applicationRate || installation.applicationRate,
    credentialRate: own.credentialRate || installation.credentialRate,
    patientRate: installation.patientRate,
  };
}

/** Names one version by its content (AIP-154). Opaque to callers. */
export function etagOf({ organization, updateTime = 0, ...rates }: Limits): string {
  const { organizationRate, applicationRate, credentialRate, patientRate } = rates;
  const content = [organization, updateTime, organizationRate, applicationRate, credentialRate, patientRate];
  return createHash("sha256").update(JSON.stringify(content)).digest("base64url").slice(0, 24);
}
