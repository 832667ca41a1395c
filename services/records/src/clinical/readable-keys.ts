import { keysOfCategory, type Terminology } from "@wellapi/terminology";
import { unlessLeftOut } from "../gate/left-out.ts";
import type { ConsentPermit } from "../gate/permit.ts";
import { rawPermit } from "../gate/permit.ts";
import { type Read, refuseStrangers } from "../gate/reading.ts";
import { isNothing, isWithin, recordsWithin } from "../gate/token-scope.ts";
import { ALWAYS, type Interval } from "../model/interval.ts";
import { isWithinWindows } from "./judgement.ts";

/** What a reader may read of one key: data within these intervals, under these permits. */
interface KeyPermit {
  readonly intervals: readonly Interval[];
  readonly permits: readonly ConsentPermit[];
}

/** What a reader may read now, by the keys of records. */
export interface ReadableKeys {
  /** Whether every key, and the type by the token's scopes, may be read, leaving windows aside. */
  mayRead(type: string, keys: readonly string[]): boolean;
  /** Whether a record that states these dates may be read, too. */
  mayReadDated(type: string, keys: readonly string[], stated: Interval | undefined): boolean;
  /** The permits of keys. */
  permitsOf(keys: Iterable<string>): readonly ConsentPermit[];
  /** The permits of all keys: the same whatever the patient has. */
  allPermits(): readonly ConsentPermit[];
}

/**
 * Decides about every key that there is: the same questions whatever the patient has, so that neither the answer nor its time
 * tells of what may not be read. Throws as `decide` where the reader may not even know whether there is anything.
 *
 * @param permission what the token's scopes need for the type: r or s
 */
export async function readableKeys(
  terminology: Terminology,
  read: Read,
  permission: "r" | "s",
): Promise<ReadableKeys> {
  // At once, so that they are one question to the consent service.
  const [refusal, known] = await Promise.all([
    refuseStrangers(read),
    Promise.all(allKeys(terminology).map(async (key) => [key, await permitOf(read, key)] as const)),
  ]);
  const permitted = new Map(
    known.flatMap(([key, permit]) => (permit === undefined ? [] : [[key, permit] as const])),
  );
  if (refusal !== undefined && permitted.size < known.length) throw refusal;
  const { principal } = read.intent.caller;

  function mayRead(type: string, keys: readonly string[]): boolean {
    if (keys.length === 0 || !keys.every((key) => permitted.has(key))) return false;
    if (principal.scopes === undefined && principal.hides === undefined) return true;
    const within = recordsWithin(terminology, principal, type, permission);
    return !isNothing(within) && keys.every((key) => isWithin(within, key));
  }

  return {
    mayRead,
    mayReadDated: (type, keys, stated) =>
      mayRead(type, keys) && keys.every((key) => isWithinWindows(permitted.get(key)!.intervals, stated)),
    permitsOf: (keys) => [...new Set(keys)].flatMap((key) => permitted.get(key)?.permits ?? []),
    allPermits: () => [...permitted.values()].flatMap(({ permits }) => permits),
  };
}

/** Keys of clinical records: of each version of each category that has rules for them, and the codes of observations. */
export function allKeys(terminology: Terminology): string[] {
  const categories = new Set(
    terminology.sets.filter(({ records }) => records).map(({ category }) => category),
  );
  return [
    ...[...categories].flatMap((name) => keysOfCategory(name, terminology.currentVersion(name))),
    ...terminology.codes.map(({ code }) => code),
  ];
}

/** Consents for hourly or daily data do not permit a record, which is whole or not at all. */
async function permitOf(read: Read, key: string): Promise<KeyPermit | undefined> {
  const decided = await unlessLeftOut(read.decide(key, ALWAYS));
  if (decided === undefined) return undefined;
  if (decided.own) return { intervals: [ALWAYS], permits: [] };
  const permit = rawPermit(decided.permits, ALWAYS);
  return permit && { intervals: permit.intervals, permits: permit.permits };
}
