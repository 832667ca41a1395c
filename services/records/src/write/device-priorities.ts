import { isWithoutKey } from "@wellapi/vault";
import type { DevicePriorityRepository } from "../blocks/device-priority-repository.ts";
import { headChange, loadHead } from "../blocks/head-repository.ts";
import { ensureKey } from "../blocks/patient-box.ts";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import { requireOwn } from "../gate/own-subject.ts";
import type { Subject } from "../gate/subject.ts";
import {
  type DevicePriority,
  isSameOrder,
  priorityEtag,
  type RankedDevice,
} from "../model/device-priority.ts";
import type { WriteDeps } from "./write-deps.ts";

const MAX_ATTEMPTS = 16;

export interface DevicePrioritiesDeps extends WriteDeps {
  readonly priorities: DevicePriorityRepository;
}

/** An order, and the entry of the call. */
export interface AccessedPriority {
  readonly priority: DevicePriority;
  readonly access: string;
}

/** The caller's own order of devices. */
export interface DevicePriorities {
  /** Throws CONSENT_REQUIRED, also after an erasure. */
  get(intent: Intent): Promise<AccessedPriority>;
  /** Throws CONSENT_REQUIRED, ETAG_MISMATCH, DISK_FULL. `etag` empty: replaces whatever is there. */
  set(intent: Intent, devices: readonly RankedDevice[], etag: string): Promise<AccessedPriority>;
}

export function createDevicePriorities(deps: DevicePrioritiesDeps): DevicePriorities {
  const { gate, queue, vault, priorities, readOnly = () => false } = deps;

  async function withEntry<T>(intent: Intent, work: (subject: Subject) => Promise<T>): Promise<T> {
    const subject = gate.subject(intent.caller, intent.patient);
    try {
      requireOwn(subject);
      return await work(subject);
    } catch (error) {
      throw await gate.refusal(intent, subject, error);
    }
  }

  return {
    get: (intent) =>
      withEntry(intent, async (subject) => {
        // Nothing is told of an erased patient; one without data has no key yet.
        await vault.key(subject.partition, "data").catch((error: unknown) => {
          if (!isWithoutKey(error)) throw error;
        });
        const { priority } = await priorities.load(subject.partition);
        return { priority, access: await gate.record(intent, subject, {}) };
      }),

    set: (intent, devices, etag) =>
      withEntry(intent, (subject) =>
        queue.run(subject.partition, async () => {
          if (readOnly()) throw new RecordsError("DISK_FULL");
          await ensureKey(vault, subject.partition);
          for (let i = 0; i < MAX_ATTEMPTS; i++) {
            const done = await attempt(deps, intent, subject, devices, etag);
            if (done !== undefined) return done;
          }
          throw new RecordsError("STORE_UNAVAILABLE");
        }),
      ),
  };
}

/** Undefined where another commit came between. The patient's head is replaced, too, so that an erasure leaves no order behind. */
async function attempt(
  { store, gate, accessLog, hub, priorities }: DevicePrioritiesDeps,
  intent: Intent,
  subject: Subject,
  devices: readonly RankedDevice[],
  etag: string,
): Promise<AccessedPriority | undefined> {
  const { partition } = subject;
  const head = await loadHead(store, partition);
  if (head?.document.erased) throw new RecordsError("CONSENT_REQUIRED", { logged: "ERASED" });
  const read = await priorities.load(partition);
  if (isSameOrder(read.priority.devices, devices)) {
    return { priority: read.priority, access: await gate.record(intent, subject, {}) };
  }
  if (etag !== "" && etag !== priorityEtag(read.priority)) throw new RecordsError("ETAG_MISMATCH");
  const priority = { version: read.priority.version + 1, devices };
  const { id: access, change: leaf } = gate.leaf(intent, subject, {});
  const { committed } = await store.commit({
    partition,
    changes: [
      headChange(partition, head, { sequence: head?.document.sequence ?? 0, erased: false }),
      await priorities.change(partition, read, priority),
      leaf,
    ],
  });
  if (!committed) return undefined;
  accessLog.notify();
  hub.notify(partition);
  return { priority, access };
}
