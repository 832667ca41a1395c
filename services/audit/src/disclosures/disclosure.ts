/** How fine values are, the finest first: the resolutions of consents. */
export const finenesses = ["raw", "hourly", "daily"] as const;
export type Fineness = (typeof finenesses)[number];

/** An entry of the log about a read of an organization. */
export interface ReadEntry {
  readonly id: string;
  /** UTC milliseconds since 1970. */
  readonly timeMs: number;
  readonly organization: string;
  readonly phase: "call" | "opened" | "changed" | "closed";
  readonly permitted: boolean;
  readonly codes: readonly string[];
  /** Number of a contract's Purpose. */
  readonly purpose: number;
  readonly consents: readonly ConsentVersion[];
  /** Empty: none. */
  readonly emergencyAccess: string;
  /** What the entry says of values: none are sent by such a call, or so many; undefined: it does not say. */
  readonly values: number | undefined;
  /** Of a call that read several sources: what the entry says of each. Empty: of all at once. */
  readonly parts: readonly Pick<ReadEntry, "codes" | "values">[];
  /** It left without what tells who the patient is. */
  readonly deIdentified: boolean;
  /** Undefined: it does not say. */
  readonly fineness: Fineness | undefined;
  /** Of a later phase: the entry that it belongs to. */
  readonly openedBy: string;
}

export interface ConsentVersion {
  readonly consent: string;
  readonly version: number;
}

/** What was read, as far as entries say so. */
export interface Figures {
  readonly reads: number;
  readonly values: number;
  /** Reads whose entries do not say how many values were sent. */
  readonly unknownAmountReads: number;
  /** Undefined: unknown. */
  readonly finest: Fineness | undefined;
  readonly purposes: readonly number[];
  readonly consents: readonly ConsentVersion[];
  readonly emergencyAccesses: readonly string[];
  /** UTC milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Entries, the newest first. */
  readonly accesses: readonly string[];
}

export interface DisclosedCategory {
  /** Empty: no code is named, or none of a category. */
  readonly category: string;
  readonly codes: readonly string[];
  readonly figures: Figures;
}

/** What one organization read. */
export interface Disclosure {
  readonly organization: string;
  readonly total: Figures;
  /** By name. */
  readonly categories: readonly DisclosedCategory[];
}

const mostAccesses = 20;
const mostReferences = 100;

/**
 * What entries tell, by organization; who read last comes first. In any order of the entries. A stream counts by its end, with the
 * consents of all its phases; a call whose answer was withheld does not count. `counts`: of which whole reads.
 */
export function disclosuresOf(
  entries: readonly ReadEntry[],
  categoriesOf: (code: string) => readonly string[],
  counts: (read: ReadEntry) => boolean = () => true,
): readonly Disclosure[] {
  const byOrganization = Map.groupBy(readsOf(entries).filter(counts), ({ organization }) => organization);
  return [...byOrganization]
    .map(([organization, reads]) => disclosureOf(organization, reads, categoriesOf))
    .sort((a, b) => b.total.lastMs - a.total.lastMs);
}

/** One entry a read, the newest first. */
function readsOf(entries: readonly ReadEntry[]): readonly ReadEntry[] {
  const begun = entries.filter(({ phase }) => phase === "call" || phase === "opened");
  const beginnings = new Set(begun.map(({ id }) => id));
  const later = Map.groupBy(
    entries.filter(({ phase }) => phase === "changed" || phase === "closed"),
    ({ openedBy }) => openedBy,
  );
  // What began before the period is told by its later phases alone.
  const alone = [...later].filter(([id]) => !beginnings.has(id));
  return [
    ...begun.flatMap((beginning) => wholeOf(beginning, later.get(beginning.id) ?? [])),
    ...alone.flatMap(([, phases]) => wholeOf(undefined, phases)),
  ].sort((a, b) => b.timeMs - a.timeMs);
}

/** The read of these phases; none where nothing was let through. */
function wholeOf(beginning: ReadEntry | undefined, later: readonly ReadEntry[]): ReadEntry[] {
  const end = later.find(({ phase }) => phase === "closed");
  if (beginning?.phase === "call") return beginning.permitted && end === undefined ? [beginning] : [];
  if (beginning !== undefined && !beginning.permitted) return [];
  const phases = beginning === undefined ? later : [beginning, ...later];
  const consents = phases.flatMap((phase) => phase.consents);
  if (end === undefined) return [{ ...phases.at(-1)!, consents, values: undefined }];
  // The end of a stream that was cut is a denial, and says what had been sent before. Without its beginning it may as well be of a
  // call whose answer was withheld.
  if (beginning === undefined && !end.permitted && !end.values) return [];
  return [{ ...end, consents }];
}

function disclosureOf(
  organization: string,
  reads: readonly ReadEntry[],
  categoriesOf: (code: string) => readonly string[],
): Disclosure {
  const categories = new Map<string, { readonly reads: ReadEntry[]; readonly codes: Set<string> }>();
  const of = (category: string) => {
    const known = categories.get(category) ?? { reads: [], codes: new Set<string>() };
    categories.set(category, known);
    return known;
  };
  for (const read of reads) {
    for (const code of read.codes)
      for (const category of categoriesNamed([code], categoriesOf)) of(category).codes.add(code);
    for (const [category, values] of valuesByCategory(read, categoriesOf))
      of(category).reads.push({ ...read, values });
  }
  return {
    organization,
    total: figuresOf(reads),
    categories: [...categories]
      .map(([category, { reads: own, codes }]) => ({
        category,
        codes: [...codes].sort().slice(0, mostReferences),
        figures: figuresOf(own),
      }))
      .sort((a, b) => (a.category < b.category ? -1 : 1)),
  };
}

/** Empty: no code is named, or one of no category. */
function categoriesNamed(
  codes: readonly string[],
  categoriesOf: (code: string) => readonly string[],
): ReadonlySet<string> {
  const named = new Set(
    codes.flatMap((code) => {
      const found = categoriesOf(code);
      return found.length === 0 ? [""] : found;
    }),
  );
  return named.size === 0 ? new Set([""]) : named;
}

/** Of each category that the read names how many values it had; undefined: unknown. */
function valuesByCategory(
  read: ReadEntry,
  categoriesOf: (code: string) => readonly string[],
): ReadonlyMap<string, number | undefined> {
  const found = new Map<string, number | undefined>();
  // A source of which nothing was found names no code.
  const parts = read.parts.filter(({ codes, values }) => codes.length > 0 || values !== 0);
  for (const { codes, values } of parts.length === 0 ? [read] : parts) {
    const named = categoriesNamed(codes, categoriesOf);
    // All of them are counted together, and nothing says how many are of which.
    const known = named.size === 1 || values === 0 ? values : undefined;
    for (const category of named) {
      const before = found.has(category) ? found.get(category) : 0;
      found.set(category, known === undefined || before === undefined ? undefined : before + known);
    }
  }
  return found;
}

/** Of at least one read, the newest first. */
function figuresOf(reads: readonly ReadEntry[]): Figures {
  const known = reads.filter(({ values }) => values !== undefined);
  const consents = new Map(
    reads.flatMap((read) => read.consents).map((one) => [`${one.consent} ${one.version}`, one]),
  );
  const emergencies = new Set(reads.flatMap(({ emergencyAccess }) => emergencyAccess || []));
  return {
    reads: reads.length,
    values: known.reduce((sum, { values = 0 }) => sum + values, 0),
    unknownAmountReads: reads.length - known.length,
    finest: finestOf(reads),
    purposes: [...new Set(reads.map(({ purpose }) => purpose))].sort((a, b) => a - b),
    consents: [...consents.values()].slice(0, mostReferences),
    emergencyAccesses: [...emergencies].slice(0, mostReferences),
    firstMs: reads.at(-1)!.timeMs,
    lastMs: reads[0]!.timeMs,
    accesses: reads.slice(0, mostAccesses).map(({ id }) => id),
  };
}

/** Where one of them may have been finer than the others say, it is unknown; nothing is finer than what was recorded. */
function finestOf(reads: readonly ReadEntry[]): Fineness | undefined {
  const sent = new Set(reads.filter(({ values }) => values !== 0).map(({ fineness }) => fineness));
  if (sent.has("raw")) return "raw";
  return sent.has(undefined) ? undefined : finenesses.find((one) => sent.has(one));
}
