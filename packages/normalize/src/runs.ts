/** Several measurements of a document with one outcome. */
export interface Run<T> {
  /** Of the one, or with the range of a list's positions: `dataset[0..59].value`; `dataset[].value` where they are not in a row. */
  readonly path: string;
  readonly count: number;
  readonly outcome: T;
}

/** Most entries that name positions. Beyond them, those of one list and outcome share one. */
const MOST_RUNS = 1_000;
const LAST_INDEX = /^(.*)\[(\d+)\](.*?)$/s;

interface OpenRun<T> {
  readonly before: string;
  readonly after: string;
  /** Undefined where no list is in the path, or its positions are not told. */
  readonly from: number | undefined;
  to: number;
  count: number;
  readonly outcome: T;
}

/**
 * Puts neighbours in a list with one outcome together, in the order of the first of each.
 *
 * @param keyOf equal for outcomes that may stand for each other
 */
export function runsOf<T>(
  measurements: readonly { readonly path: string; readonly outcome: T }[],
  keyOf: (outcome: T) => string,
): Run<T>[] {
  const runs: OpenRun<T>[] = [];
  const open = new Map<string, OpenRun<T>>();
  for (const { path, outcome } of measurements) {
    const parts = LAST_INDEX.exec(path);
    const [, before = path, index, after = ""] = parts ?? [];
    const at = index === undefined ? undefined : Number(index);
    const key = JSON.stringify([before, after, at === undefined, keyOf(outcome)]);
    const run = open.get(key);
    const joins = run !== undefined && (run.from === undefined || run.to + 1 === at);
    if (joins && at !== undefined) {
      run.to = at;
      run.count++;
      continue;
    }
    const told = runs.length < MOST_RUNS;
    const started = { before, after, from: told ? at : undefined, to: at ?? -1, count: 1, outcome };
    open.set(key, started);
    runs.push(started);
  }
  return runs.map(({ before, after, from, to, count, outcome }) => ({
    path: to < 0 ? before : `${before}[${rangeOf(from, to)}]${after}`,
    count,
    outcome,
  }));
}

function rangeOf(from: number | undefined, to: number): string {
  if (from === undefined) return "";
  return from === to ? String(to) : `${from}..${to}`;
}
