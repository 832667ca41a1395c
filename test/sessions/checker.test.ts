import { describe, expect, test } from "vitest";
import { check, type Limits } from "./checker.ts";
import type { Answer, Fault, History, Operation } from "./history.ts";
import { outages } from "./outages.ts";

const limits: Limits = { inFlightMs: 100, deliveryMs: 500, recoveryMs: 1_000 };
const ok: Answer = { kind: "ok" };
const refused: Answer = { kind: "refused", reason: "CONSENT_REQUIRED" };
const unsure: Answer = { kind: "unsure", reason: "UNDECIDED" };

/** Of one patient, at one replica of each service. */
const grant = (direction: "read" | "contribute", at: number, to: number, id: string): Operation => {
  const names = { request: id, consent: id, direction, patient: "ann", replica: "consent" };
  return { kind: "grant", ...names, invoked: at, completed: to, answer: ok };
};
const revoke = (consent: string, at: number, to: number, answer: Answer = ok): Operation => {
  return { kind: "revoke", consent, patient: "ann", replica: "consent", invoked: at, completed: to, answer };
};
const write = (mark: number, at: number, to: number, answer: Answer = ok): Operation => {
  return { kind: "write", mark, patient: "ann", replica: "records", invoked: at, completed: to, answer };
};
const read = (marks: number[], at: number, to: number, answer: Answer = ok): Operation => {
  const replica = "records-2";
  const found = answer.kind === "ok" ? { marks } : {};
  return { kind: "read", ...found, patient: "ann", replica, invoked: at, completed: to, answer };
};
const watch = (at: number, deliveries: [mark: number, at: number][], end?: [number, Answer]): Operation => {
  const ending = end === undefined ? {} : { completed: end[0], answer: end[1] };
  const arrived = deliveries.map(([mark, time]) => ({ mark, at: time }));
  const base = { kind: "watch", patient: "ann", replica: "records", invoked: at } as const;
  return { ...base, started: at + 5, deliveries: arrived, ...ending };
};
const both = [grant("contribute", 0, 10, "may write"), grant("read", 0, 10, "may read")];

function rulesBroken(operations: Operation[], faults: Fault[] = [], ended = 100_000): string[] {
  const history: History = { operations, faults, ended };
  return check(history, limits).map(({ rule }) => rule);
}

describe("accepts what a linearizable revocation allows", () => {
  test("success before and during the revocation, refusal during and after it", () => {
    const operations = [
      write(1, 20, 30),
      read([1], 40, 50),
      revoke("may read", 60, 80),
      read([1], 61, 79), // replicas may differ while it runs
      read([1], 59, 90),
      read([], 62, 70, refused),
      read([], 90, 95, refused),
      write(2, 90, 95),
    ];
    expect(rulesBroken([...both, ...operations])).toEqual([]);
  });

  test("a revocation without a certain answer promises nothing", () => {
    const operations = [revoke("may read", 60, 80, unsure), read([], 90, 95), read([], 96, 99, refused)];
    expect(rulesBroken([...both, ...operations])).toEqual([]);
  });

  test("one consent revoked, another in force", () => {
    const another = grant("read", 30, 40, "may read, too");
    expect(rulesBroken([...both, another, revoke("may read", 60, 80), read([], 90, 95)])).toEqual([]);
  });

  test("a write without a certain answer that is there, that is not, and that is sent again", () => {
    const operations = [write(1, 20, 30, unsure), write(2, 20, 30, unsure), read([1], 40, 50)];
    const again = [write(2, 60, 70), read([1, 2], 80, 90)];
    expect(rulesBroken([...both, ...operations, ...again])).toEqual([]);
  });

  test("a watch that delivers, and ends when its consent does", () => {
    const watching = watch(15, [[1, 40]], [75, { kind: "refused", reason: "CONSENT_REVOKED" }]);
    expect(rulesBroken([...both, write(1, 20, 30), watching, revoke("may read", 60, 80)])).toEqual([]);
  });

  test("a delivery that was in the socket when the revocation was answered", () => {
    expect(
      rulesBroken([...both, write(1, 55, 59), watch(15, [[1, 150]]), revoke("may read", 60, 80)]),
    ).toEqual([]);
  });
});

describe("finds what is planted", () => {
  test("a read and a write that began after the answer and succeed", () => {
    expect(rulesBroken([...both, revoke("may read", 60, 80), read([], 81, 85)])).toEqual(["revoked"]);
    expect(rulesBroken([...both, revoke("may write", 60, 80), write(1, 81, 85)])).toEqual(["revoked"]);
  });

  test("a revocation answered again: the first answer counts", () => {
    const twice = [revoke("may read", 60, 80), revoke("may read", 200, 220)];
    expect(rulesBroken([...both, ...twice, read([], 100, 110)])).toEqual(["revoked"]);
  });

  test("success under a consent that is given later, or never", () => {
    expect(rulesBroken([read([], 5, 8), grant("read", 9, 10, "late")])).toEqual(["revoked"]);
    expect(rulesBroken([grant("contribute", 0, 10, "only this"), watch(20, [])])).toEqual(["revoked"]);
  });

  test("a watch that delivers what was written after its consent was revoked", () => {
    expect(
      rulesBroken([...both, revoke("may read", 60, 80), write(1, 81, 90), watch(15, [[1, 95]])]),
    ).toEqual(["revoked"]);
  });

  test("a read that was begun in time, and whose data arrives long after the revocation was answered", () => {
    expect(rulesBroken([...both, read([], 55, 170), revoke("may read", 60, 80)])).toEqual([]);
    expect(rulesBroken([...both, read([], 55, 190), revoke("may read", 60, 80)])).toEqual(["revoked"]);
    expect(rulesBroken([...both, read([], 55, 190, refused), revoke("may read", 60, 80)])).toEqual([]);
  });

  test("a watch that goes on delivering for longer than a socket holds", () => {
    const old = [write(1, 20, 30), watch(15, [[1, 300]]), revoke("may read", 60, 80)];
    expect(rulesBroken([...both, ...old])).toEqual(["revoked"]);
  });

  test("a watch that is opened after the answer", () => {
    expect(rulesBroken([...both, revoke("may read", 60, 80), watch(81, [])])).toEqual(["revoked"]);
  });

  test("a refusal under a consent that was answered and that nobody began to take", () => {
    expect(rulesBroken([...both, read([], 20, 30, refused)])).toEqual(["denied"]);
    expect(rulesBroken([...both, write(1, 20, 30, refused), revoke("may write", 31, 40)])).toEqual([
      "denied",
    ]);
    expect(rulesBroken([...both, watch(20, [], [50, refused])])).toEqual(["denied"]);
  });

  test("an acknowledged write that is missing, from a read and from a watch", () => {
    expect(rulesBroken([...both, write(1, 20, 30), read([], 31, 40)])).toEqual(["lost"]);
    expect(rulesBroken([...both, write(1, 20, 30), watch(10, [])])).toEqual(["lost"]);
    const broken = [{ name: "cut", began: 0, ended: 99_800 }];
    expect(rulesBroken([...both, write(1, 20, 30), watch(10, [])], broken)).toEqual([]);
  });

  test("a sample that nobody wrote yet, or whose write was refused", () => {
    expect(rulesBroken([...both, read([7], 20, 30)])).toEqual(["invented"]);
    expect(rulesBroken([...both, read([1], 20, 30), write(1, 40, 50)])).toEqual(["invented"]);
    const operations = [revoke("may write", 12, 15), write(1, 20, 30, refused), read([1], 40, 50)];
    expect(rulesBroken([...both, ...operations])).toEqual(["invented"]);
  });

  test("an answer that no operation should get", () => {
    const internal: Answer = { kind: "wrong", reason: "INTERNAL" };
    expect(rulesBroken([...both, read([], 20, 30, internal)])).toEqual(["wrong"]);
    expect(rulesBroken([...both, revoke("may read", 20, 30, refused)])).toEqual(["wrong"]);
  });
});

describe("after a fault", () => {
  const fault = { name: "pause", began: 1_000, ended: 3_000 };

  test("certain answers within the time, and from then on", () => {
    const tries = [write(1, 2_000, 2_100, unsure), write(1, 3_500, 3_600), write(2, 5_000, 5_100)];
    expect(rulesBroken([...both, ...tries], [fault], 6_000).filter((rule) => rule !== "lost")).toEqual([
      "unavailable", // nobody tried to grant
    ]);
    const granting = [grant("read", 3_100, 3_200, "again")];
    expect(rulesBroken([...both, ...tries, ...granting], [fault], 6_000)).toEqual([]);
  });

  test("finds what stays undecided, and what recovers too late", () => {
    const granting = grant("read", 3_100, 3_200, "again");
    const doubtful = [write(1, 3_500, 3_600), write(2, 5_000, 5_100, unsure)];
    expect(rulesBroken([...both, granting, ...doubtful], [fault], 6_000)).toEqual(["unavailable"]);
    const late = [write(1, 3_500, 3_600, unsure), write(1, 4_500, 4_600)];
    expect(rulesBroken([...both, granting, ...late], [fault], 6_000)).toEqual(["unavailable"]);
  });

  test("another fault that begins excuses what it touches", () => {
    const granting = grant("read", 3_100, 3_200, "again");
    const next = { name: "cut", began: 5_050, ended: 6_000 };
    const tries = [write(1, 3_500, 3_600), write(2, 5_000, 5_100, unsure)];
    expect(rulesBroken([...both, granting, ...tries], [fault, next], 6_000)).toEqual([]);
  });

  test("measures the longest time without a certain answer", () => {
    const tries = [write(1, 1_100, 1_200), write(2, 1_300, 2_900, unsure), write(2, 2_900, 3_250)];
    const history = { operations: [...both, ...tries], faults: [fault], ended: 6_000 };
    expect(outages(history, fault)).toEqual([{ kind: "write", replica: "records", ms: 1_950 }]);
  });
});
