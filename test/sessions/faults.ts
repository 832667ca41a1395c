import type { Direction } from "./history.ts";
import type { Patient } from "./patient.ts";
import { pause } from "./patient.ts";
import { type Replica, replicas, type World } from "./world.ts";

/** Something that happens, what is asked meanwhile of a patient whose consents nobody else touches, and its end. */
export interface Scenario {
  readonly name: string;
  run(world: World, subject: Patient): Promise<void>;
}

/** Until a request has left for a process that does not take it. */
const inSocketMs = 50;

const move = (subject: Patient, records: Replica) =>
  Promise.all([subject.read(records), subject.write(records)]);

/** Its decisions are remembered by the replica from here on. */
async function warm(subject: Patient, records: Replica): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const [read, write] = await move(subject, records);
    if (read.kind === "ok" && write.kind === "ok") return;
    if (attempt === 5) throw new Error("nothing could be read and written before the fault");
  }
}

/** As often as it takes until the answer is certain: what a patient's app does. */
async function revoke(subject: Patient, direction: Direction, consent: Replica): Promise<void> {
  for (let attempt = 1; attempt <= 10; attempt++) {
    if ((await subject.revoke(direction, consent)).kind !== "unsure") return;
    await pause(200);
  }
}

async function revokeBoth(subject: Patient, consent: Replica): Promise<void> {
  await revoke(subject, "read", consent);
  await revoke(subject, "contribute", consent);
}

/** The requests wait in the socket while the process is stopped, and are the first that it sees when it goes on. */
export const pausedRecords: Scenario = {
  name: "records-2 is stopped (SIGSTOP) past its session, and goes on with requests in its socket",
  async run({ mesh }, subject) {
    await warm(subject, 2);
    mesh.pause("records", 2);
    try {
      await revokeBoth(subject, 1);
      const asked = move(subject, 2);
      await pause(inSocketMs);
      mesh.resume("records", 2);
      await asked;
    } finally {
      mesh.resume("records", 2);
    }
    await move(subject, 2);
  },
};

export const killedRecords: Scenario = {
  name: "records-2 is killed (SIGKILL) and started again",
  async run(world, subject) {
    await warm(subject, 2);
    await world.mesh.kill("records", 2);
    await revokeBoth(subject, 1);
    await world.mesh.start("records", 2);
    await move(subject, 2);
  },
};

/** The revocation is under way there: the other replica has to end what this one began. */
export const killedConsent: Scenario = {
  name: "consent-2 is killed (SIGKILL) in the middle of a revocation, and started again",
  async run(world, subject) {
    await Promise.all(replicas.map((records) => warm(subject, records)));
    const revoking = subject.revoke("read", 2);
    await world.mesh.kill("consent", 2);
    await revoking;
    await revokeBoth(subject, 1);
    await Promise.all(replicas.map((records) => move(subject, records)));
    await world.mesh.start("consent", 2);
    await Promise.all(replicas.map((records) => move(subject, records)));
  },
};

/** It holds sessions of records, which the other replica has to wait for; a revocation waits in its own socket. */
export const pausedConsent: Scenario = {
  name: "consent-2 is stopped (SIGSTOP) with a revocation in its socket, and goes on",
  async run({ mesh }, subject) {
    await Promise.all(replicas.map((records) => warm(subject, records)));
    mesh.pause("consent", 2);
    const waiting = subject.revoke("read", 2);
    try {
      await revokeBoth(subject, 1);
      await Promise.all(replicas.map((records) => move(subject, records)));
    } finally {
      mesh.resume("consent", 2);
    }
    await waiting;
    await Promise.all(replicas.map((records) => move(subject, records)));
  },
};

export const cutOff: Scenario = {
  name: "records-2 is cut off from consent: connections stay, nothing passes",
  async run(world, subject) {
    await warm(subject, 2);
    const ways = replicas.map((consent) => world.between(2, consent));
    await Promise.all(ways.map((way) => way.swallow()));
    try {
      await revokeBoth(subject, 1);
      await move(subject, 2);
    } finally {
      await Promise.all(ways.map((way) => way.open()));
    }
    await move(subject, 2);
  },
};

/** `set` moves the clock, in seconds off the true time. */
export function movedClock(whose: string, seconds: number, set: (seconds: number) => void): Scenario {
  return {
    name: `the wall clock of ${whose} moves by ${seconds} s, and back`,
    async run(_world, subject) {
      await Promise.all(replicas.map((records) => warm(subject, records)));
      set(seconds);
      await revoke(subject, "read", 2);
      await Promise.all(replicas.map((records) => move(subject, records)));
      set(0);
      await revoke(subject, "contribute", 2);
      await Promise.all(replicas.map((records) => move(subject, records)));
    },
  };
}
