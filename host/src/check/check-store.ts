import {
  type CollectionDeclaration,
  type Document,
  type Finding,
  RESTORE,
  type SqliteReader,
  type StoreCheck,
  StoreError,
} from "@wellapi/store";

export interface StoreCheckOptions {
  readonly reader: SqliteReader;
  readonly collections: readonly CollectionDeclaration[];
  /** Absent if sealed fields cannot be opened: then only fields in clear are checked. */
  readonly check: StoreCheck | undefined;
  readonly tell: (finding: Finding) => void;
  readonly progress: (documents: number) => void;
}

const PROGRESS_EVERY = 20_000;
const INTEGRITY =
  "restore the file from a backup (docs/operations.md, Damage); reads that miss the damaged page go on";

/**
 * Checks a file as SQLite does, then each document of each declared collection, then the documents against each
 * other.
 */
export async function checkStore(options: StoreCheckOptions) {
  const { reader, collections, check, tell, progress } = options;
  for (const what of reader.integrity()) {
    tell({
      what: `SQLite: ${what}`,
      means: "what lies in these pages cannot be relied on",
      remedy: INTEGRITY,
    });
  }
  const counts: Record<string, { documents: number; damaged: number }> = {};
  let total = 0;
  for (const { name, key } of collections) {
    const count = { documents: 0, damaged: 0 };
    counts[name] = count;
    const look = check?.documents[name];
    for (const examined of reader.documents(name)) {
      count.documents += 1;
      if (++total % PROGRESS_EVERY === 0) progress(total);
      const finding =
        examined.document === undefined
          ? unreadable(name, examined.key, examined.damage)
          : await lookAt(examined.document, key, name, look);
      if (finding === undefined) continue;
      count.damaged += 1;
      tell(finding);
    }
  }
  progress(total);
  if (check?.together !== undefined) await lookTogether(check.together(), tell);
  return counts;
}

function unreadable(collection: string, document: readonly string[], what: string): Finding {
  return {
    collection,
    document,
    what,
    means: "the document cannot be read as it was written",
    remedy: RESTORE,
  };
}

async function lookAt(
  document: Document,
  key: readonly string[],
  collection: string,
  look: StoreCheck["documents"][string] | undefined,
): Promise<Finding | undefined> {
  try {
    return await look?.(document);
  } catch (error) {
    // The document that it refers to cannot be read: that finding is reported there, too.
    const at = key.map((field) => String(document[field]));
    return unreadable(collection, at, `it could not be looked into (${reasonOf(error)})`);
  }
}

async function lookTogether(findings: AsyncGenerator<Finding>, tell: (finding: Finding) => void) {
  try {
    for await (const finding of findings) tell(finding);
  } catch (error) {
    const means = "whether its documents are whole together is not known";
    tell({ what: `the check could not go on (${reasonOf(error)})`, means, remedy: RESTORE });
  }
}

/** Messages of the ports' own errors carry no content; of any other error only the kind is reported. */
function reasonOf(error: unknown): string {
  if (error instanceof StoreError) return error.message;
  return error instanceof Error ? error.name : "unknown";
}
