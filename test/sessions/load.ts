import type { Patient } from "./patient.ts";
import { pause } from "./patient.ts";
import { type Replica, replicas } from "./world.ts";

const everyMs = 500;

/** Clients that go on until `stop`, which resolves when the last of them has ended. */
export interface Load {
  stop(): Promise<void>;
}

/**
 * Both replicas of records are written to, read from and watched all the time; the consents of the fickle patient come and
 * go, by both replicas of consent in turn.
 */
export function startLoad(patients: { readonly steady: Patient; readonly fickle: Patient }): Load {
  const stopping = new AbortController();
  const { signal } = stopping;
  const until = async (step: (turn: number) => Promise<unknown>): Promise<void> => {
    for (let turn = 0; !signal.aborted; turn++) {
      await step(turn);
      await pause(everyMs);
    }
  };
  const { steady, fickle } = patients;
  const move = (patient: Patient, records: Replica, turn: number) =>
    turn % 2 === 0 ? patient.read(records) : patient.write(records);
  const loops = replicas.flatMap((records) => [
    until((turn) => move(steady, records, turn)),
    until((turn) => move(fickle, records, turn)),
    until(async () => {
      const watched = records === 1 ? steady : fickle;
      const { ended } = await watched.watch(records, signal);
      await ended;
    }),
  ]);
  const changes = until(async (turn) => {
    const direction = turn % 4 < 2 ? "read" : "contribute";
    const at = turn % 2 === 0 ? 1 : 2;
    await fickle.grant(direction, at);
    await pause(everyMs);
    await fickle.revoke(direction, at);
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all([...loops, changes]);
    },
  };
}
