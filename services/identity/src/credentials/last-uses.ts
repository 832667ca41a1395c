import { createLoop, type Logger } from "@wellapi/runtime";
import type { Credential } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";

/** When credentials were last used: noted in the background, so that no call waits for it. */
export interface LastUses {
  note(credential: Credential, now: number): void;
  /** Writes what is waiting. */
  close(): Promise<void>;
}

/** At most one write in this time for a credential. */
const WITHIN_MS = 60_000;
const EVERY_MS = 5_000;

export function openLastUses(deps: {
  readonly credentials: Pick<CredentialRepository, "noteUse">;
  readonly log: Logger;
  /** How often what is waiting is written; milliseconds, default 5,000. */
  readonly everyMs?: number;
}): LastUses {
  const { credentials, log, everyMs = EVERY_MS } = deps;
  const waiting = new Map<string, number>();

  async function write(): Promise<void> {
    for (const [id, time] of waiting) {
      waiting.delete(id);
      await credentials.noteUse(id, time, WITHIN_MS);
    }
  }

  const onError = (err: unknown) => log.warn({ err }, "the last use of a credential could not be noted");
  const loop = createLoop({ everyMs, work: write, onError });
  return {
    note({ id, useTime = 0 }, now) {
      if (now - useTime >= WITHIN_MS) waiting.set(id, now);
    },
    async close() {
      await loop.close();
      await write().catch(onError);
    },
  };
}
