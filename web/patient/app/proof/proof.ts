import { equals } from "@bufbuild/protobuf";
import { AccessSchema, type LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import {
  breakSince,
  checkpointSize,
  followSuccessions,
  openLogCheckpoint,
  successionNotes,
  verifyAccess,
  verifyGrowth,
} from "@wellapi/log-verifier";
import type { Connection } from "../api/connection.ts";
import { type KeptFingerprint, keepFingerprint, keptFingerprint } from "./kept-fingerprint.ts";

/** An entry with what proves it. */
interface ProvenEntry {
  readonly id: string;
  readonly index: number;
  readonly body: Uint8Array;
  readonly nonce: Uint8Array;
  readonly hashes: readonly Uint8Array[];
}

/** What the check has found. */
export type Verdict =
  | {
      readonly kind: "proven";
      /** What the device had kept before; undefined at the first check. */
      readonly before: KeptFingerprint | undefined;
      /** Entries of the log of all patients, at the kept fingerprint and now. */
      readonly sizeBefore: number;
      readonly size: number;
      /** Ids of the entries that are proven. */
      readonly proven: ReadonlySet<string>;
      /** How many of the entries the log has not taken in yet. */
      readonly pending: number;
      /** The log was restored from a backup since, as it says itself: UTC milliseconds. Then nothing before it is proven. */
      readonly brokenAt: number | undefined;
      readonly file: string;
    }
  | {
      readonly kind: "failed";
      /** The entry that does not fit; undefined where the log itself does not. */
      readonly entry: string | undefined;
      readonly file: string;
    };

/** What the log claims does not follow from what it has signed. */
class Unproven extends Error {
  override readonly name = "Unproven";
  readonly entry: string | undefined;
  constructor(entry: string | undefined, cause: unknown) {
    super("not proven", { cause });
    this.entry = entry;
  }
}

/**
 * Checks, in this browser, that the log of today begins with the log that this device has seen before, and that these entries are in
 * it as they are shown. Keeps the new fingerprint where all of it holds, and only then. Rejects where the exchange does not answer: that
 * says nothing about the log.
 */
export async function checkLog(
  { audit }: Connection,
  entries: readonly LoggedAccess[],
  now: number,
): Promise<Verdict> {
  const kept = keptFingerprint();
  const { checkpoint, verifierKey } = await audit.getCheckpoint({});
  const trusted = kept?.trustedKey ?? verifierKey;
  const evidence: Evidence = { checkpoint, trusted, before: kept?.checkpoint, growth: [], entries: [] };
  try {
    const keys = await proving(undefined, async () => {
      const { content } = await audit.getLogFile({ path: "successions" });
      return () => followSuccessions(successionNotes(content), trusted);
    });
    const { size } = await proving(undefined, async () => () => openLogCheckpoint(checkpoint, [keys.key]));
    const broken = kept && breakSince(keys.steps, checkpointSize(kept.checkpoint));
    if (kept !== undefined && broken === undefined) await proveGrowth(audit, kept, keys, evidence);
    const settled = entries.filter(({ index }) => index >= 0n && index < BigInt(size));
    await inTurns(settled, (entry) => proveEntry(audit, entry, { size, key: keys.key, evidence }));
    keepFingerprint({ checkpoint, trustedKey: trusted, time: now });
    return {
      kind: "proven",
      before: kept,
      sizeBefore: kept === undefined ? 0 : checkpointSize(kept.checkpoint),
      size,
      proven: new Set(settled.map(({ id }) => id)),
      pending: entries.length - settled.length,
      brokenAt: broken?.time,
      file: fileOf(evidence),
    };
  } catch (error) {
    if (!(error instanceof Unproven)) throw error;
    return { kind: "failed", entry: error.entry, file: fileOf(evidence) };
  }
}

/** What goes into the file, as far as the check has come. */
interface Evidence {
  readonly checkpoint: string;
  readonly trusted: string;
  readonly before: string | undefined;
  growth: readonly Uint8Array[];
  readonly entries: ProvenEntry[];
}

/** Failures to ask are passed on as they are; failures of what was got are `Unproven`. */
async function proving<T>(entry: string | undefined, ask: () => Promise<() => T>): Promise<T> {
  const judge = await ask();
  try {
    return judge();
  } catch (cause) {
    throw new Unproven(entry, cause);
  }
}

type Keys = ReturnType<typeof followSuccessions>;

async function proveGrowth(
  audit: Connection["audit"],
  kept: KeptFingerprint,
  keys: Keys,
  evidence: Evidence,
): Promise<void> {
  const [first, second] = [checkpointSize(kept.checkpoint), checkpointSize(evidence.checkpoint)];
  await proving(undefined, async () => () => {
    if (!(first <= second)) throw new RangeError("the log is shorter than before");
  });
  const sizes = { firstSize: BigInt(first), secondSize: BigInt(second) };
  const { hashes } = await audit.getConsistencyProof(sizes);
  evidence.growth = hashes;
  const origin = kept.checkpoint.split("\n", 1)[0];
  const known = [kept.trustedKey, ...keys.steps.map(({ to }) => to)];
  await proving(undefined, async () => () => {
    verifyGrowth({
      from: kept.checkpoint,
      to: evidence.checkpoint,
      verifierKeys: known.filter((key) => key.startsWith(`${origin}+`)),
      toVerifierKeys: [keys.key],
      proof: hashes,
    });
  });
}

async function proveEntry(
  audit: Connection["audit"],
  entry: LoggedAccess,
  { size, key, evidence }: { readonly size: number; readonly key: string; readonly evidence: Evidence },
): Promise<void> {
  const { id, index, body, nonce } = entry;
  const { hashes } = await audit.getInclusionProof({ index, size: BigInt(size) });
  evidence.entries.push({ id, index: Number(index), body, nonce, hashes });
  await proving(id, async () => () => {
    const { access } = verifyAccess({
      body,
      nonce,
      index: Number(index),
      checkpoint: evidence.checkpoint,
      verifierKeys: [key],
      proof: hashes,
    });
    // The position is proven, but it may hold another entry than the one that is shown, or another text of it.
    const shown = entry.access;
    if (access.id !== id || shown === undefined || !equals(AccessSchema, access, shown)) {
      throw new TypeError("another entry");
    }
  });
}

/** A few at a time: a hundred calls at once would spend the reader's budget. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 4 }, lane));
}

/** The evidence as JSON, bytes in base64. */
function fileOf({ checkpoint, trusted, before, growth, entries }: Evidence): string {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return JSON.stringify(
    {
      format: "wellapi-log-proof/1",
      trustedKey: trusted,
      before: before ?? null,
      checkpoint,
      growth: growth.map(base64),
      entries: entries.map(({ body, nonce, hashes, ...rest }) => ({
        ...rest,
        body: base64(body),
        nonce: base64(nonce),
        hashes: hashes.map(base64),
      })),
    },
    null,
    2,
  );
}
