import { type FileHandle, open } from "node:fs/promises";
import { type DocumentCheck, type Finding, findingOf, RESTORE } from "@wellapi/store";
import { AccessLogError } from "./errors.ts";
import { decodeLeafDocument, type LeafDocument, leavesCollection, openLeafDocument } from "./leaf.ts";
import type { LeafSealer } from "./leaf-sealer.ts";
import { parseFrames } from "./reserve.ts";

const means = "one access that was on its way to the log will not reach it";

/** Checks that every leaf in an outbox can still be delivered. */
export function leafCheck(sealer: LeafSealer): DocumentCheck {
  return async (document) => {
    const leaf = document as LeafDocument;
    try {
      openLeafDocument(sealer, leaf);
      return undefined;
    } catch (error) {
      if (!(error instanceof AccessLogError && error.code === "tampered")) throw error;
      const said = { what: "the sealed leaf does not open", means, remedy: RESTORE };
      return findingOf(leavesCollection.name, [leaf.partition, leaf.id], said);
    }
  };
}

/**
 * The number of records of a reserve file, and those that cannot be delivered. Throws if the file cannot be read.
 */
export async function checkReserve(
  path: string,
  sealer: LeafSealer,
): Promise<{ readonly records: number; readonly findings: readonly Finding[] }> {
  const content = await contentOf(path);
  const { records, end } = parseFrames(content);
  const findings: Finding[] = [];
  const remedy = "none: start the exchange, which delivers the others and empties the file";
  for (const [i, record] of records.entries()) {
    try {
      openLeafDocument(sealer, decodeLeafDocument(record));
    } catch (error) {
      if (!(error instanceof AccessLogError && error.code === "tampered")) throw error;
      findings.push({ what: `record ${i} of the reserve does not open`, means, remedy });
    }
  }
  const rest = content.subarray(end).findIndex((byte) => byte !== 0);
  if (rest >= 0) {
    const what = `behind record ${records.length} the reserve is torn, or damaged`;
    findings.push({ what, means: "accesses behind it, if there were any, will not reach the log", remedy });
  }
  return { records: records.length, findings };
}

async function contentOf(path: string): Promise<Uint8Array> {
  const file: FileHandle = await open(path, "r");
  try {
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}
