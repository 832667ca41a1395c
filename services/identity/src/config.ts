import { readFileSync } from "node:fs";
import type { Transport } from "@connectrpc/connect";
import type { AccessLog } from "@wellapi/access-log";
import type { JournalAccess } from "@wellapi/journal";
import type { PageTokens } from "@wellapi/rpc";
import type { Clock, ConfigReader, Env, Ids, Logger } from "@wellapi/runtime";
import { parseConfig } from "@wellapi/runtime";
import { optionalSetting, type Setting } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Kms, Pairwise, Vault } from "@wellapi/vault";
import type { Mailer } from "./mail/mailer.ts";

export interface IdentityConfig {
  /** `sandbox` lets operators issue tokens of patients. */
  readonly profile: "sandbox" | "production";
  /** Authority of the SPIFFE ids, and host of the tokens' issuer. */
  readonly trustDomain: string;
  /** Where else the doors are called. */
  readonly doorOrigins?: readonly string[] | undefined;
  /** Home region of the patients that are enrolled here. */
  readonly region: string;
  /** Where people and programs reach the gateway: OAuth's issuer. Known once the doors are open. */
  readonly origin: () => string;
  /** Where clients with a TLS certificate reach the gateway; nothing asks them for one unless given. */
  readonly mtlsOrigin?: () => string | undefined;
  /** Numbers of the authority's roots to trust, ascending. Absent: the roots that exist, at first 1. */
  readonly authorities?: readonly number[] | undefined;
  /** Years, from which on somebody is of age. */
  readonly majority?: number;
  /** Years, from which on a minor has care of their own, in the categories `ownCareCategories`. */
  readonly ownCareAge?: number;
  readonly ownCareCategories?: readonly string[];
  /** The mail server, and the address that mail comes from. */
  readonly smtpUrl?: string | undefined;
  readonly mailFrom?: string | undefined;
}

/** What the service is given; it stays open when the service closes. */
export interface IdentityDeps {
  /** Declares `identityCollections`. */
  readonly store: Store;
  readonly vault: Vault;
  readonly kms: Kms;
  readonly pairwise: Pairwise;
  readonly accessLog: AccessLog;
  /** Outlives the store: revocations are recorded in it, and replayed from it before the service opens. */
  readonly journal: JournalAccess;
  readonly pageTokens: PageTokens;
  /** Instead of the one that the settings name. */
  readonly mailer?: Mailer;
  readonly terminology: Pick<Terminology, "categoriesOf" | "sensitivityOf">;
  /** Reaches consent as the workload `identity` on its own behalf, once that is open. */
  readonly consent: Transport;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}

// SPIFFE-ID, section 2.1: lower-case letters, digits, dots, dashes and underscores.
const trustDomainPattern = /^[a-z0-9][a-z0-9._-]{0,252}$/;

/** From `WELLAPI_PROFILE` and `WELLAPI_TRUST_DOMAIN`. Throws ConfigError with every problem at once. */
export function parseIdentityConfig(env: Env): IdentityConfig {
  return parseConfig(env, (reader) => {
    const trustDomain = reader.string("WELLAPI_TRUST_DOMAIN", "wellapi.local");
    if (!trustDomainPattern.test(trustDomain)) {
      reader.problem("WELLAPI_TRUST_DOMAIN is not valid: expected a name such as wellapi.example.com");
    }
    return {
      profile: reader.enum("WELLAPI_PROFILE", ["sandbox", "production"] as const, "sandbox"),
      trustDomain,
      region: "local",
      origin: () => reader.string("WELLAPI_ORIGIN", "http://localhost:7080"),
    };
  });
}

/** Throws nothing: the reader gathers the problem. */
export const doorOriginsSetting: Setting<readonly string[]> = {
  name: "WELLAPI_DOOR_ORIGINS",
  fallback: undefined,
  what: "origins by which callers reach the doors, beside `WELLAPI_ORIGIN`, such as `https://grpc.example.com:50051`: DPoP proofs may name them. The sandbox takes those of this machine",
  read(reader) {
    const origins = reader.list("WELLAPI_DOOR_ORIGINS", []);
    if (!origins.every((origin) => /^https?:$/.test(URL.parse(origin)?.protocol ?? "")))
      reader.problem("WELLAPI_DOOR_ORIGINS is not valid: expected origins such as https://grpc.example.com");
    return origins;
  },
};

/** Throws nothing: the reader gathers the problem. */
export const authoritiesSetting: Setting<readonly number[]> = {
  name: "WELLAPI_AUTHORITIES",
  fallback: undefined,
  what: "the numbers of its authority's roots that are trusted, ascending; not set: the roots that exist, at first `1` (docs/operations.md)",
  read(reader) {
    const numbers = reader.list("WELLAPI_AUTHORITIES", []).map(Number);
    const ascending = numbers.every((number, i) => number > (numbers[i - 1] ?? 0));
    if (!ascending || !numbers.every((number) => Number.isInteger(number) && number < 1_000)) {
      reader.problem("WELLAPI_AUTHORITIES is not valid: expected numbers of roots, ascending, such as 1,2");
    }
    return numbers;
  },
};

/** Throws nothing: the reader gathers the problem. */
export const smtpUrlSetting: Setting<string | undefined> = {
  name: "WELLAPI_SMTP_URL",
  fallback: undefined,
  what: "the mail server, `smtps://user:password@host:465`, or in the file that `WELLAPI_SMTP_URL_FILE` names; not set: a sandbox keeps mail on its page `/mailbox`, and another installation sends none",
  read(reader) {
    const url = reader.optional("WELLAPI_SMTP_URL") ?? textOfFile(reader, "WELLAPI_SMTP_URL_FILE");
    if (url === undefined) return undefined;
    const protocol = URL.canParse(url) ? new URL(url).protocol : "";
    if (protocol !== "smtp:" && protocol !== "smtps:") {
      reader.problem(
        "WELLAPI_SMTP_URL is not valid: expected an address such as smtps://user:password@host:465",
      );
    }
    if (reader.optional("WELLAPI_MAIL_FROM") === undefined) {
      reader.problem(
        "WELLAPI_MAIL_FROM is missing: with WELLAPI_SMTP_URL, mail needs an address that it comes from",
      );
    }
    return url;
  },
};

/** A setting with a password may be in a file: what stands in the environment is seen by whatever lists processes. */
function textOfFile(reader: ConfigReader, name: string): string | undefined {
  if (reader.optional(name) === undefined) return undefined;
  try {
    return readFileSync(reader.path(name), "utf8").trim();
  } catch {
    reader.problem(`${name} is not valid: the file cannot be read`);
    return undefined;
  }
}

export const mailFromSetting: Setting<string | undefined> = optionalSetting(
  "WELLAPI_MAIL_FROM",
  "the address that mail comes from, such as `WellAPI <accounts@wellapi.example>`; needed with `WELLAPI_SMTP_URL`",
);

/** Throws nothing: the reader gathers the problem. */
export const majoritySetting: Setting<number> = {
  name: "WELLAPI_MAJORITY_AGE",
  fallback: "18",
  what: "the age in years at which a child's guardians stop acting for it, 12 to 25, as the law of the patients has it",
  read: (reader) => reader.int("WELLAPI_MAJORITY_AGE", { fallback: 18, min: 12, max: 25 }),
};

/** Throws nothing: the reader gathers the problem. */
export const ownCareAgeSetting: Setting<number> = {
  name: "WELLAPI_OWN_CARE_AGE",
  fallback: "14",
  what: "the age in years from which care that a minor may consent to alone is hidden from whoever acts in their name, 0 to 25",
  read: (reader) => reader.int("WELLAPI_OWN_CARE_AGE", { fallback: 14, min: 0, max: 25 }),
};

/** Care that a minor may consent to alone, where the law gives that. */
export const usualOwnCare: readonly string[] = [
  "reproductive",
  "mental_health",
  "substance_use",
  "sexual_health",
];

/** Throws nothing: the reader gathers the problem. */
export const ownCareCategoriesSetting: Setting<readonly string[]> = {
  name: "WELLAPI_OWN_CARE_CATEGORIES",
  fallback: usualOwnCare.join(","),
  what: "categories of care that a minor may consent to alone (docs/codes.md); `none`: no category",
  read(reader) {
    const names = reader.list("WELLAPI_OWN_CARE_CATEGORIES", usualOwnCare);
    if (!names.every((name) => /^[a-z][a-z_]{0,63}$/.test(name)))
      reader.problem("WELLAPI_OWN_CARE_CATEGORIES is not valid: expected categories such as mental_health");
    return names.filter((name) => name !== "none");
  },
};
