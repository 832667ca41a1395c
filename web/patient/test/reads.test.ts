import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Access,
  AccessSchema,
  Access_Outcome as Outcome,
  Access_Phase as Phase,
} from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Actor_Kind, Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import { readsByDay } from "../app/log/reads.ts";

const noon = Date.parse("2026-11-27T12:00:00Z") / 1_000;
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

type Init = Exclude<MessageInitShape<typeof AccessSchema>, Access>;

function access({ at = 0, ...more }: Init & { readonly at?: number }) {
  const usual = {
    time: { seconds: BigInt(noon + at) },
    actor: { kind: Actor_Kind.APPLICATION },
    organization: "org_clinic",
    method: "wellapi.records.v1.RecordsService/QuerySeries",
    purpose: Purpose.TREATMENT,
    phase: Phase.CALL,
    outcome: Outcome.PERMITTED,
    direction: Direction.READ,
    codes: ["8867-4"],
    items: 10,
  };
  return create(AccessSchema, { ...usual, ...more } as Init);
}

describe("reads of a day", () => {
  test("are one line for each organization, with all that was sent", () => {
    const reads = readsByDay(
      [
        access({ at: 60 }),
        access({ codes: ["55423-8"], items: 5 }),
        access({ organization: "org_study", items: 1 }),
        access({ at: -86_400 }),
      ],
      dayOf,
    );
    expect(reads.map(({ organization, day, times, items }) => [organization, day, times, items])).toEqual([
      ["org_clinic", "2026-11-27", 2, 15],
      ["org_study", "2026-11-27", 1, 1],
      ["org_clinic", "2026-11-26", 1, 10],
    ]);
    expect(reads[0]!.codes).toEqual(["8867-4", "55423-8"]);
  });

  test("count a stream once: where it ended, or where it began while it goes on", () => {
    const stream = (id: string, ended: boolean) => [
      access({ id, phase: Phase.OPENED, items: 0 }),
      access({ id: `${id}-changed`, phase: Phase.CHANGED, openedBy: id, items: 0 }),
      ...(ended ? [access({ id: `${id}-closed`, phase: Phase.CLOSED, openedBy: id, items: 7 })] : []),
    ];
    const [read] = readsByDay([...stream("acc_1", true), ...stream("acc_2", false)], dayOf);
    expect([read!.times, read!.items]).toEqual([2, 7]);
  });

  test("count what a stream had sent before it was cut, and nothing of an answer that was withheld", () => {
    const denied = { outcome: Outcome.DENIED, phase: Phase.CLOSED };
    const cut = [
      access({ id: "acc_1", phase: Phase.OPENED, items: 0 }),
      access({ ...denied, openedBy: "acc_1", items: 7 }),
    ];
    const withheld = [access({ id: "acc_2" }), access({ ...denied, openedBy: "acc_2", items: 0 })];
    const reads = readsByDay([...cut, ...withheld], dayOf);
    expect(reads.map(({ times, items }) => [times, items])).toEqual([[1, 7]]);
  });

  test("leave out what was refused, what was sent here, and what the patient or the installation did", () => {
    const others = [
      access({ outcome: Outcome.DENIED }),
      access({ outcome: Outcome.UNDECIDED }),
      access({ direction: Direction.CONTRIBUTE }),
      access({ actor: { kind: Actor_Kind.PATIENT } }),
      access({ actor: { kind: Actor_Kind.CARER } }),
      access({ actor: { kind: Actor_Kind.SERVICE } }),
    ];
    expect(readsByDay(others, dayOf)).toEqual([]);
  });

  test("say where one was in an emergency", () => {
    const [read] = readsByDay([access({}), access({ emergencyAccess: "emg_1" })], dayOf);
    expect(read!.emergency).toBe(true);
  });
});
