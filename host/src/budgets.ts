import { readFileSync } from "node:fs";
import {
  type Counters,
  createBudget,
  createMemoryCounters,
  defaultRates,
  windowSeconds,
} from "@wellapi/limits";
import type { Budget } from "@wellapi/rpc";
import type { Closers, ConfigReader, Env, Logger } from "@wellapi/runtime";

/** Budgets of the callers at the doors of a process. */
export interface BudgetSettings {
  /** Units a second of an address, for callers without a valid credential. */
  readonly addressRate: number;
  /** Where all replicas count together. Undefined: each process counts alone. */
  readonly valkey: { readonly url: string; readonly authorityFile: string | undefined } | undefined;
}

export function budgetsOf(reader: ConfigReader, env: Env): BudgetSettings {
  const url = urlOf(reader, env);
  return {
    addressRate: reader.int("WELLAPI_ADDRESS_RATE", {
      fallback: defaultRates.address,
      min: 1,
      max: 10_000_000,
    }),
    valkey: url === undefined ? undefined : { url, authorityFile: reader.optional("WELLAPI_VALKEY_CA") },
  };
}

/** The URL holds a password, so that it may be in the file that `WELLAPI_VALKEY_URL_FILE` names. */
function urlOf(reader: ConfigReader, env: Env): string | undefined {
  const url = env.WELLAPI_VALKEY_URL_FILE ? fileText(reader) : reader.optional("WELLAPI_VALKEY_URL");
  if (url === undefined || url === "") return undefined;
  if (!URL.canParse(url) || !/^(valkey|redis)s?:$/.test(new URL(url).protocol)) {
    reader.problem("WELLAPI_VALKEY_URL is not valid: expected valkey://host:6379, or valkeys:// for TLS");
  }
  return url;
}

function fileText(reader: ConfigReader): string {
  const name = "WELLAPI_VALKEY_URL_FILE";
  try {
    return readFileSync(reader.path(name), "utf8").trim();
  } catch {
    reader.problem(`${name} is not valid: the file cannot be read`);
    return "";
  }
}

/** One for all doors of a process. */
export async function openBudget(
  { addressRate, valkey }: BudgetSettings,
  options: { readonly installation: string; readonly closers: Closers; readonly log: Logger },
): Promise<Budget> {
  const { installation, closers, log } = options;
  const counters = await countersOf(valkey, installation, log);
  closers.push("budgets", () => counters.close());
  return createBudget({ counters, addressRate, log });
}

async function countersOf(
  valkey: BudgetSettings["valkey"],
  installation: string,
  log: Logger,
): Promise<Counters> {
  if (valkey === undefined) return createMemoryCounters({ windowSeconds });
  const { openValkeyCounters } = await import("@wellapi/limits/valkey");
  const { url, authorityFile } = valkey;
  const authority = authorityFile && { authority: readFileSync(authorityFile, "utf8") };
  return openValkeyCounters({ url, ...authority, installation, windowSeconds, log });
}
