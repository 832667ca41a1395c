import { setTimeout as delay } from "node:timers/promises";
import type { Round } from "./callers.ts";

/** One thing that the mesh must do. */
export interface Row {
  /** Rows of a group are reported together. */
  readonly group: string;
  /** Unlike every other row's. */
  readonly name: string;
  readonly expected: string;
  /** What it does. Changes nothing: it is asked again and again. */
  run(round: Round): Promise<string>;
}

/** `name: what was expected, what was found`, of the rows that do not hold. */
export type Failures = ReadonlyMap<string, string>;

/** Open calls at once: more would starve the services, whose sessions with each other last 1.5 s. */
const width = 8;
/** How often a call that got no answer is made again: the machine may be busy with something else. */
const attempts = 4;
const pauseMs = 1_000;
/** No answer from the called service, so it shows nothing about what is permitted. */
const noAnswer =
  /^(no answer in time|no connection|cut|UNAVAILABLE|UNDECIDED|DEADLINE_EXCEEDED|grpc-status (none|4|14):|50\d)/;

/** Asks all rows, and those that got no answer again. */
export async function failuresOf(rows: readonly Row[], openRound: () => Round): Promise<Failures> {
  const failures = new Map<string, string>();
  let asked = rows;
  for (let attempt = 1; asked.length > 0 && attempt <= attempts; attempt++) {
    if (attempt > 1) await delay(pauseMs);
    const found = await askOnce(asked, openRound());
    for (const { name } of asked) failures.delete(name);
    for (const [name, how] of found) failures.set(name, `expected ${how.expected}, found ${how.found}`);
    asked = asked.filter(({ name }) => noAnswer.test(found.get(name)?.found ?? ""));
  }
  return failures;
}

/** Asks each row once, over connections of the round's own; what is not as expected. */
export async function askOnce(
  rows: readonly Row[],
  round: Round,
): Promise<ReadonlyMap<string, { readonly expected: string; readonly found: string }>> {
  const failures = new Map<string, { expected: string; found: string }>();
  const queue = rows.values();
  async function work(): Promise<void> {
    for (const row of queue) {
      const found = await row.run(round).catch((cause: unknown) => `it threw: ${cause}`);
      if (found !== row.expected) failures.set(row.name, { expected: row.expected, found });
    }
  }
  await Promise.all(Array.from({ length: width }, work));
  round.close();
  return failures;
}
