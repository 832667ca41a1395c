import { getHeapStatistics } from "node:v8";
import { createContext, Script } from "node:vm";
import { createRandom } from "../../test/chaos/random.ts";
import { mutate } from "./mutate.ts";
import type { OpenTarget } from "./target.ts";
import { utf8 } from "./target.ts";

/** What one input did. */
export type Outcome =
  | { readonly kind: "accepted" | "refused"; readonly signature: string }
  | { readonly kind: "failed"; readonly why: string; readonly error?: unknown };

export interface Failure {
  readonly input: Uint8Array;
  readonly why: string;
  readonly error?: unknown;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  /** Different outcomes, by the text of the error or of `parse`. */
  readonly outcomes: number;
  /** One for each different failure. */
  readonly failures: readonly Failure[];
}

/** Of one input: so a short message can't hold the process. */
const mostCpuMs = 1_000;
/** Collected garbage, compiled code and a slow hour of the machine count for whoever runs: what is slow itself is slow each time. */
const tries = 3;
const mostHeapBytes = 64 * 1024 * 1024;
/** Where the input would never end; on a busy machine an honest one may wait this long for a core. */
const hangMs = 60_000;
const mostKept = 2_000;

/** How one input is measured. Tests give another clock, and need no patience for what never ends. */
export interface Measure {
  /** Milliseconds of CPU that the process has taken until now. */
  readonly cpuMs?: () => number;
  /** After so many milliseconds synchronous code is interrupted. */
  readonly hangMs?: number;
}

const mostFailures = 20;

/**
 * Runs mutated inputs for `ms` of the clock `now`, but at least some, or until so many inputs. Failures of one kind are
 * reported once.
 */
export async function fuzz(
  target: OpenTarget,
  options: {
    readonly seed: number;
    readonly ms: number;
    readonly now?: () => number;
    readonly atLeast?: number;
    readonly inputs?: number;
  } & Measure,
): Promise<FuzzReport> {
  const { corpus, words = [] } = target;
  const { now = () => performance.now() } = options;
  const random = createRandom(options.seed);
  const dictionary = words.map(utf8);
  const kept = [...corpus];
  const seen = new Set<string>();
  const failures = new Map<string, Failure>();
  const counts = { accepted: 0, refused: 0 };
  const end = now() + options.ms;
  let inputs = 0;
  for (; inputs < (options.inputs ?? Number.POSITIVE_INFINITY); inputs++) {
    if (failures.size >= mostFailures) break;
    if (now() >= end && inputs >= (options.atLeast ?? 0)) break;
    const from = kept[Math.floor(random() * kept.length)]!;
    const input = mutate(random, from, kept, dictionary);
    const outcome = await tryInput(target, input, options);
    if (outcome.kind === "failed") {
      if (!failures.has(outcome.why)) failures.set(outcome.why, { input, ...outcome });
      continue;
    }
    counts[outcome.kind]++;
    if (!seen.has(outcome.signature) && kept.length < mostKept) {
      seen.add(outcome.signature);
      kept.push(input);
    }
  }
  return { ...counts, inputs, outcomes: seen.size, failures: [...failures.values()] };
}

/** Runs one input: it must be accepted or refused, in less than a second of CPU and 64 MB of heap. */
export async function tryInput(
  target: OpenTarget,
  input: Uint8Array,
  measure: Measure = {},
): Promise<Outcome> {
  const { cpuMs = processCpuMs } = measure;
  let outcome: Outcome;
  let left = tries;
  let took: number;
  do {
    const start = cpuMs();
    outcome = await runInput(target, input, measure.hangMs ?? hangMs);
    took = cpuMs() - start;
    left--;
  } while (outcome.kind !== "failed" && took > mostCpuMs && left > 0);
  if (outcome.kind === "failed" || took <= mostCpuMs) return outcome;
  return { kind: "failed", why: `it takes more than ${mostCpuMs} ms` };
}

async function runInput({ parse, refuses }: OpenTarget, input: Uint8Array, hangMs: number): Promise<Outcome> {
  const heap = heapBytes();
  let outcome: Outcome;
  try {
    const result = await interruptible(() => parse(input), hangMs);
    outcome = { kind: "accepted", signature: `accepted ${typeof result === "string" ? result : ""}` };
  } catch (error) {
    if (isInterruption(error)) return { kind: "failed", why: `it has no end after ${hangMs} ms` };
    if (!refuses(error)) return { kind: "failed", why: `it throws ${signatureOf(error)}`, error };
    outcome = { kind: "refused", signature: signatureOf(error) };
  }
  if (heapBytes() - heap > mostHeapBytes) return { kind: "failed", why: "its heap grows by more than 64 MB" };
  return outcome;
}

export function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

let running: (() => unknown) | undefined;
const context = createContext({ run: () => running!() });
const script = new Script("run()");

/** V8 can end synchronous code that never returns. What is asynchronous goes on until its own end. */
function interruptible<T>(run: () => T, ms: number): T {
  running = run;
  return script.runInContext(context, { timeout: ms }) as T;
}

function isInterruption(error: unknown): boolean {
  return (error as { code?: unknown })?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}

function heapBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Errors of one kind have one signature: what is quoted or counted in a message differs from input to input. */
function signatureOf(error: unknown): string {
  if (!(error instanceof Error)) return `a ${typeof error}`;
  const { name, message, cause } = error;
  const code = "code" in error ? ` ${String(error.code)}` : "";
  const text = message.replaceAll(/".*"|`.*`|'.*'|[0-9]+/gs, "…").slice(0, 120);
  return `${name}${code}: ${text}${cause === undefined ? "" : ` ← ${signatureOf(cause).slice(0, 80)}`}`;
}
