import type { Direction } from "./history.ts";
import type { Patient } from "./patient.ts";
import { pause } from "./patient.ts";
import type { Replica, World } from "./world.ts";

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
