import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, createClient } from "@connectrpc/connect";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import {
  type BatchReceipt,
  ItemOutcome_Status,
  type SeriesBatch,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { type PersonName, personNames } from "../people.ts";
import { createPerson } from "../person.ts";
import { askingAgain } from "./asking-again.ts";
import { batchOf, samplesIn } from "./batches.ts";
import { FillingError } from "./filling-error.ts";
import { createTestPatients, type SandboxDoors, type TestPatient } from "./test-patients.ts";
import { dayMs, dayStart, type Range, windowsOf } from "./windows.ts";

/** Who is wanted. The same seed gives the same people with the same values. */
export interface Wanted {
  /** A safe whole number, 0 or more. */
  readonly seed: number;
  /** Up to now; 0: the people without data. */
  readonly days: number;
  readonly names: readonly PersonName[];
}

/** How many of the windows of all people are sent. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface FillingOptions {
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the filling between two batches; called again it goes on. */
  readonly signal?: AbortSignal;
}

/** Samples that are stored now, and those that were stored before. */
export interface Sent {
  readonly accepted: number;
  readonly duplicate: number;
}

export interface Filled extends Sent {
  readonly organization: string;
  /** Who was asked for and is there now. */
  readonly people: readonly TestPatient[];
  /** Up to here their data is stored: UTC milliseconds, by the exchange's clock. */
  readonly sentToMs: number;
}

/** Fills an organization of a sandbox from outside, over the public contracts, as one of its applications. */
export interface Filling {
  /**
   * Enrols who is missing, and sends what their devices measured. Called again it makes nobody twice and stores nothing twice. Who is to
   * be erased comes, sends and is erased before the others come: where others are, it is done. Throws FillingError, what the signal was
   * aborted with, and what the transports throw.
   */
  fill(wanted: Wanted, options?: FillingOptions): Promise<Filled>;
  /** Erases all test patients of the organization, and tells it; then as `fill`. */
  reset(wanted: Wanted, options?: FillingOptions & { readonly onErased?: () => void }): Promise<Filled>;
  /**
   * Sends every so often what the people's devices have measured since, until the signal aborts: from `sinceMs` on (UTC milliseconds), or
   * from the beginning of the day (UTC). In the first ten minutes of each hour the revoker lets nobody read.
   */
  goOn(options: {
    readonly sinceMs?: number;
    readonly everyMs: number;
    readonly signal: AbortSignal;
    /** `sentToMs`: by the exchange's clock, UTC milliseconds. */
    readonly onSent: (sent: Sent & { readonly sentToMs: number }) => void;
  }): Promise<void>;
}

/** Of each hour: what is revoked at its start is granted anew after it. */
const revokedMs = 10 * 60_000;
const hourMs = 60 * 60_000;

/** Whether the revoker lets the organization read at this instant, UTC milliseconds. */
export function revokerPermits(nowMs: number): boolean {
  return nowMs % hourMs >= revokedMs;
}

/** `doors.organization`: as an application, by a key that no scopes limit. */
export function createFilling(doors: SandboxDoors): Filling {
  const patients = createTestPatients(doors);
  const transport = askingAgain(doors.organization);
  const sandbox = createClient(SandboxService, transport);
  const devices = createClient(IngestionService, transport);

  /** By the exchange's clock: this computer's may be wrong, and what lies in the future is refused. */
  async function look() {
    const { organization, currentTime, testPatientsLeft } = await sandbox.getSandbox({});
    return { organization, nowMs: timestampMs(currentTime!), room: testPatientsLeft };
  }

  const settle = (organization: string, { id, person }: TestPatient, nowMs: number) =>
    patients.settle(id, organization, {
      contribute: true,
      read: person?.name !== "revoker" || revokerPermits(nowMs),
    });

  async function fill({ seed, days, names }: Wanted, options: FillingOptions = {}): Promise<Filled> {
    const { organization, nowMs, room } = await look();
    const there = new Map<PersonName, TestPatient>();
    for (const one of await patients.list(options.signal)) {
      if (one.person?.seed === seed) there.set(one.person.name, one);
    }
    const missing = missingOf(names, there);
    checkRoom(missing, room);
    const range = { fromMs: nowMs - days * dayMs, toMs: nowMs };
    const seen = names.filter((name) => there.has(name) || missing.includes(name));
    const count = createCount(seen.length * [...windowsOf(range)].length, options);
    const put = async (name: PersonName): Promise<TestPatient> => {
      const patient = there.get(name) ?? (await patients.enrol(name, seed));
      await settle(organization, patient, nowMs);
      await sendAll(devices, patient, range, count);
      return patient;
    };
    if (seen.includes("erased")) await patients.erase([(await put("erased")).id]);
    const people = await allOf(seen.filter((name) => name !== "erased").map(put));
    return { organization, people, sentToMs: nowMs, ...count.sent() };
  }

  return {
    fill,
    async reset(wanted, options = {}) {
      await patients.erase((await patients.list(options.signal)).map(({ id }) => id));
      options.onErased?.();
      return fill(wanted, options);
    },
    async goOn({ sinceMs, everyMs, signal, onSent }) {
      let fromMs = sinceMs;
      let permitted: boolean | undefined;
      while (!signal.aborted) {
        const { organization, nowMs } = await look();
        const people = await patients.list();
        const permits = revokerPermits(nowMs);
        const revokers = people.filter(({ person }) => person?.name === "revoker");
        if (permits !== permitted) await allOf(revokers.map((one) => settle(organization, one, nowMs)));
        permitted = permits;
        const count = createCount(0, {});
        const range = { fromMs: fromMs ?? dayStart(nowMs), toMs: nowMs };
        await allOf(people.map((one) => sendAll(devices, one, range, count)));
        fromMs = nowMs;
        onSent({ ...count.sent(), sentToMs: nowMs });
        await pause(everyMs, signal);
      }
    },
  };
}

/** Who has to be enrolled. Where others are, the one who is erased was. */
function missingOf(
  names: readonly PersonName[],
  there: ReadonlyMap<PersonName, TestPatient>,
): readonly PersonName[] {
  return personNames.filter((name) => {
    return names.includes(name) && !there.has(name) && (name !== "erased" || there.size === 0);
  });
}

/** Half a sandbox is none. Who is erased leaves the own place to the others. */
function checkRoom(missing: readonly PersonName[], room: number): void {
  const needed = Math.max(missing.filter((name) => name !== "erased").length, Math.min(missing.length, 1));
  if (needed <= room) return;
  throw new FillingError(
    "too_many_patients",
    `the organization has room for ${room} more test patients, and this needs ${needed}: erase some first`,
  );
}

type Count = ReturnType<typeof createCount>;

function createCount(total: number, { onProgress, signal }: FillingOptions) {
  let [accepted, duplicate, done] = [0, 0, 0];
  return {
    signal,
    sent: (): Sent => ({ accepted, duplicate }),
    accept(samples: number): void {
      accepted += samples;
    },
    know(samples: number): void {
      duplicate += samples;
    },
    window(): void {
      done += 1;
      onProgress?.({ done, total });
    },
  };
}

/** In the order of time, one batch after another. */
async function sendAll(
  devices: Client<typeof IngestionService>,
  { id, person }: TestPatient,
  range: Range,
  count: Count,
): Promise<void> {
  if (person === undefined) return;
  const measured = createPerson(person.name, person.seed);
  for (const window of windowsOf(range)) {
    count.signal?.throwIfAborted();
    const batch = batchOf(measured, id, window);
    if (batch !== undefined) judge(batch, (await devices.createSeries({ batch })).receipt, count);
    count.window();
  }
}

function judge(batch: SeriesBatch, receipt: BatchReceipt | undefined, count: Count): void {
  for (const [i, { status, violations }] of (receipt?.items ?? []).entries()) {
    if (status === ItemOutcome_Status.ACCEPTED) count.accept(samplesIn(batch, i));
    else if (status === ItemOutcome_Status.DUPLICATE) count.know(samplesIn(batch, i));
    else {
      const problems = violations.map(({ field, description }) => `${field}: ${description}`);
      throw new FillingError("rejected", problems.join("\n"));
    }
  }
}

/** Waits for all, also where one has failed: nothing goes on behind the caller's back. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
