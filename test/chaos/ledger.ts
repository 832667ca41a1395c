import type { Block } from "./batches.ts";
import type { Ack } from "./judge.ts";

/** The calls of the load's clients, with their answers, for one patient. */
export interface PatientLedger {
  /** Resumes a watch from before the first batch. */
  beginning: Promise<string>;
  readonly sent: Set<number>;
  readonly acks: Map<number, Ack>;
  /** By the live watch, in the order of arrival, repetitions included. */
  readonly deliveries: Block[];
  /** Access ids under which data was released: their entries must be in the log. */
  readonly releases: string[];
}

export interface Ledger {
  of(patient: string): PatientLedger;
  readonly patients: ReadonlyMap<string, PatientLedger>;
  /** Numbers are unique for the whole run. */
  next(patient: string): number;
  /** What no client may ever see: a refusal that lies, or data after its revocation. */
  violation(problem: string): void;
  readonly violations: readonly string[];
  /** Grants that were given and taken back, each with a read refused after it. */
  revocations: number;
}

export function createLedger(names: readonly string[]): Ledger {
  const patients = new Map(
    names.map((name): [string, PatientLedger] => [
      name,
      { beginning: Promise.resolve(""), sent: new Set(), acks: new Map(), deliveries: [], releases: [] },
    ]),
  );
  const violations: string[] = [];
  let numbers = 1;
  const of = (patient: string) => patients.get(patient)!;
  return {
    of,
    patients,
    next(patient) {
      const number = numbers++;
      of(patient).sent.add(number);
      return number;
    },
    violation: (problem) => void violations.push(problem),
    violations,
    revocations: 0,
  };
}
