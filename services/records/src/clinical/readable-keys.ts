import { keysOfCategory, type Terminology } from "@wellapi/terminology";
import { type Letting, lettingRecord } from "../gate/consent-notes.ts";
import type { DisputableRecord } from "../gate/disputes.ts";
import { unlessLeftOut } from "../gate/left-out.ts";
import { unmasked } from "../gate/masks.ts";
import { type CodePermit, type ConsentPermit, ownPermit, rawPermit } from "../gate/permit.ts";
import { type Read, refuseStrangers } from "../gate/reading.ts";
import { permitsFrom } from "../gate/sources.ts";
import { isNothing, isWithin, recordsWithin } from "../gate/token-scope.ts";
import type { Contributor } from "../model/contributor.ts";
import { ALWAYS, type Interval } from "../model/interval.ts";
import { isWithinWindows } from "./judgement.ts";

/** What a reader may read of one key: data within these intervals, under these permits. */
interface KeyPermit extends Pick<CodePermit, "from"> {
  readonly permits: readonly ConsentPermit[];
  /** Whether anything of a contributor may be read, windows aside. */
  readonly isReadable: (contributor: Contributor) => boolean;
}

/** What a reader may read now, by the keys of records. */
export interface ReadableKeys {
  /** Whether every key, and the type by the token's scopes, may be read of some contributor, leaving windows aside. */
  mayRead(type: string, keys: readonly string[]): boolean;
  /** The same of one contributor. */
  mayReadFrom(type: string, keys: readonly string[], organization: string): boolean;
  /** Whether a record of theirs that states these dates may be read, too. */
  mayReadDated(
    type: string,
    keys: readonly string[],
    organization: string,
    stated: Interval | undefined,
  ): boolean;
  /** Whether the patient disputes a record that may be read. */
  isDisputed(record: DisputableRecord): boolean;
  /** The consents that let a record through that may be read; none for a patient's own read. */
  lettingOf(keys: readonly string[], organization: string, stated: Interval | undefined): readonly Letting[];
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
    mayReadFrom: (type, keys, organization) =>
      mayRead(type, keys) &&
      keys.every((key) => permitted.get(key)!.isReadable(ofOrganization(organization))),
    mayReadDated: (type, keys, organization, stated) =>
      mayRead(type, keys) &&
      keys.every((key) => isWithinWindows(permitted.get(key)!.from(ofOrganization(organization)), stated)),
    isDisputed: (record) => read.intent.disputes?.isDisputed(record) ?? false,
    lettingOf: (keys, organization, stated) =>
      lettingRecord(
        keys.map((key) => permitsFrom(permitted.get(key)?.permits ?? [], ofOrganization(organization))),
        stated,
      ),
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

/** Consents for hourly or daily data, or with a mask, do not permit a record, which is whole or not at all. */
async function permitOf(read: Read, key: string): Promise<KeyPermit | undefined> {
  const decided = await unlessLeftOut(read.decide(key, ALWAYS));
  if (decided === undefined) return undefined;
  if (decided.own) return { from: ownPermit(ALWAYS).from, permits: [], isReadable: () => true };
  const permit = rawPermit(unmasked(decided.permits), ALWAYS);
  if (permit === undefined) return undefined;
  const { from, permits } = permit;
  return { from, permits, isReadable: (contributor) => permitsFrom(permits, contributor).length > 0 };
}

/** A record is of no device, whatever devices it may speak of, and states no method. */
function ofOrganization(organization: string): Contributor {
  return { organization, device: "", method: 0 };
}
