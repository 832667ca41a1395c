import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { sessionOptions } from "../src/enforcer.ts";
import type { DatedPermit } from "../src/permits.ts";
import { earliestTime, latestTime } from "../src/permits.ts";
import type { Decision, Question } from "../src/port.ts";
import { Session } from "../src/session.ts";

const wall = 1_700_000_000_000;
const at = (ms: number) => ({ wall: wall + ms, monotonic: ms });
const questionOf = (partition: string, code = "8867-4"): Question => ({
  partition,
  organization: "org_clinic",
  direction: Direction.READ,
  code,
  purpose: Purpose.TREATMENT,
  region: "local",
});
const permit: DatedPermit = {
  consent: "con_1",
  version: 1,
  provision: 0,
  resolution: Resolution.RAW,
  from: earliestTime,
  to: latestTime,
  notBefore: earliestTime,
  notAfter: latestTime,
};
const ann = questionOf("local/pat_ann");
const ben = questionOf("local/pat_ben");

let session: Session;
beforeEach(() => {
  session = new Session(sessionOptions(2));
  expect(session.connect(at(0))).toEqual([{ kind: "open" }]);
  session.receive({ kind: "opened", ttlMs: 1_500 }, at(100));
});

const recallOf = ({ partition }: Question) =>
  ({ kind: "recall", recall: "rcl_1", partition, onlyWidens: false, grantees: [] }) as const;

function cache(question: Question, ms: number, change: Partial<DatedPermit> = {}): void {
  const ask = session.ask(question, at(ms))!;
  session.answer(ask, { permits: [{ ...permit, ...change }] }, at(ms));
}

describe("a session", () => {
  it("keeps a permitting answer, and forgets it with the lease, counted from before the opening was sent", () => {
    cache(ann, 200);
    expect(session.peek(ann, at(1_499))).toMatchObject({ permitted: true });
    expect(session.peek(ann, at(1_500))).toBeUndefined();
    expect(session.phase).toBe("none");
  });

  it("lives on from before the renewal was sent, not from its answer", () => {
    cache(ann, 200);
    expect(session.tick(at(499))).toEqual([]);
    expect(session.tick(at(600))).toEqual([{ kind: "renew", sequence: 1 }]);
    session.receive({ kind: "renewed", sequence: 1 }, at(1_400));
    expect(session.peek(ann, at(2_099))).toMatchObject({ permitted: true });
    expect(session.peek(ann, at(2_100))).toBeUndefined();
  });

  describe("keeps a denial", () => {
    const denied = { permitted: false, reason: DenialReason.PURPOSE } as const;
    const deny = (question: Question, ms: number, until?: number) => {
      const ask = session.ask(question, at(ms))!;
      expect(session.answer(ask, { denied, ...(until !== undefined && { until }) }, at(ms))).toEqual(denied);
    };

    it("until the consent service may say otherwise by itself, and no longer", () => {
      deny(ann, 200, wall + 400);
      expect([200, 399, 400].map((ms) => session.peek(ann, at(ms)))).toEqual([denied, denied, undefined]);
      expect(session.peek({ ...ann, code: "29463-7" }, at(300))).toBeUndefined();
    });

    it("for nobody where the service does not say until when", () => {
      deny(ann, 200);
      expect(session.peek(ann, at(201))).toBeUndefined();
    });

    it("not beyond a recall of its patient, though the change only widens, nor beyond its session", () => {
      deny(ann, 200, latestTime);
      deny(ben, 200, latestTime);
      session.receive({ ...recallOf(ann), onlyWidens: true }, at(210));
      expect([ann, ben].map((one) => session.peek(one, at(211)))).toEqual([undefined, denied]);
      expect(session.peek(ben, at(1_500))).toBeUndefined();
      session.connect(at(1_600));
      session.receive({ kind: "opened", ttlMs: 1_500 }, at(1_600));
      expect(session.peek(ben, at(1_601))).toBeUndefined();
    });

    it("not where its question was under way during a recall", () => {
      const ask = session.ask(ann, at(200))!;
      session.receive({ ...recallOf(ann), onlyWidens: true }, at(210));
      expect(session.answer(ask, { denied, until: latestTime }, at(220))).toBeUndefined();
      expect(session.peek(ann, at(221))).toBeUndefined();
    });

    it("in place of a permit, and a permit in its place", () => {
      cache(ann, 200);
      deny(ann, 201, latestTime);
      expect(session.peek(ann, at(202))).toEqual(denied);
      cache(ann, 203);
      expect(session.peek(ann, at(204))).toMatchObject({ permitted: true });
      deny(ann, 205);
      expect(session.peek(ann, at(206))).toBeUndefined();
    });

    it("not before it was said, by a clock that was set back", () => {
      deny(ann, 200, latestTime);
      expect(session.peek(ann, { ...at(201), wall: wall + 199 })).toBeUndefined();
    });

    it("in room of its own, and no permit leaves for it", () => {
      cache(ann, 200);
      for (const code of ["1", "2", "3"]) deny({ ...ben, code }, 201, latestTime);
      expect(session.peek(ann, at(202))).toMatchObject({ permitted: true });
      const kept = ["1", "2", "3"].filter((code) => session.peek({ ...ben, code }, at(202)));
      expect(kept).toEqual(["3"]);
    });
  });

  it("drops the recalled patient alone, and asks to be renewed behind the acknowledgement it owed", () => {
    cache(ann, 200);
    cache(ben, 200);
    session.tick(at(600));
    const recall = {
      kind: "recall",
      recall: "rcl_1",
      partition: ann.partition,
      onlyWidens: false,
      grantees: [],
    } as const;
    expect(session.receive(recall, at(650))).toEqual([
      { kind: "acknowledge", recall: "rcl_1" },
      { kind: "renew", sequence: 2 },
    ]);
    expect(session.peek(ann, at(651))).toBeUndefined();
    expect(session.peek(ben, at(651))).toMatchObject({ permitted: true });
  });

  it("uses no answer to a question that was under way during a recall", () => {
    const ask = session.ask(ann, at(200))!;
    session.receive(
      { kind: "recall", recall: "rcl_1", partition: ann.partition, onlyWidens: false, grantees: [] },
      at(210),
    );
    expect(session.answer(ask, { permits: [permit] }, at(220))).toBeUndefined();
    expect(session.peek(ann, at(221))).toBeUndefined();
  });

  it("uses no answer to a question of an earlier session", () => {
    const ask = session.ask(ann, at(200))!;
    session.connect(at(300));
    session.receive({ kind: "opened", ttlMs: 1_500 }, at(310));
    expect(session.answer(ask, { permits: [permit] }, at(320))).toBeUndefined();
  });

  it("uses no answer that comes as the session is seen to have ended", () => {
    const ask = session.ask(ann, at(200))!;
    expect(session.answer(ask, { permits: [permit] }, at(9_000))).toBeUndefined();
  });

  it("permits within the validity only, by the wall clock at each use", () => {
    cache(ann, 200, { notBefore: wall + 400, notAfter: wall + 800 });
    expect(session.peek(ann, at(399))).toBeUndefined();
    expect(session.peek(ann, at(400))).toMatchObject({ permitted: true });
    expect(session.peek(ann, at(799))).toMatchObject({ permitted: true });
    expect(session.peek(ann, at(800))).toBeUndefined();
  });

  it("slides a window at each use, not before where it may begin, beside one that stands", () => {
    const sliding = { ...permit, provision: 1, sliding: { lastMs: 100, from: wall + 150 } };
    const ask = session.ask(ann, at(200))!;
    const windows = (decision: Decision | undefined) =>
      decision?.permitted && decision.permits.map(({ provision, from }) => [provision, from - wall]);
    const stands = [0, earliestTime - wall];
    const answered = session.answer(ask, { permits: [permit, sliding] }, at(200));
    expect(windows(answered)).toEqual([stands, [1, 150]]);
    expect(windows(session.peek(ann, at(250)))).toEqual([stands, [1, 150]]);
    expect(windows(session.peek(ann, at(251)))).toEqual([stands, [1, 151]]);
    expect(windows(session.peek(ann, at(900)))).toEqual([stands, [1, 800]]);
  });

  it("keeps the most recently used answers of those it has room for", () => {
    const cid = questionOf("local/pat_cid");
    cache(ann, 200);
    cache(ben, 201);
    session.peek(ann, at(202));
    cache(cid, 203);
    expect([ann, ben, cid].map((one) => session.peek(one, at(204)) !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("gives up an opening that is not answered", () => {
    session.connect(at(3_000));
    session.tick(at(4_501));
    expect(session.phase).toBe("none");
  });

  it("waits for an opening just as long as it may take", () => {
    session.connect(at(3_000));
    session.tick(at(4_500));
    expect(session.phase).toBe("opening");
  });

  it("is none where the answer to its opening came after its time to live", () => {
    session.connect(at(3_000));
    session.receive({ kind: "opened", ttlMs: 300 }, at(3_300));
    expect(session.phase).toBe("none");
    expect(session.ask(ann, at(3_301))).toBeUndefined();
  });

  it("asks and knows nothing while it is opening", () => {
    session.connect(at(3_000));
    expect(session.ask(ann, at(3_001))).toBeUndefined();
    expect(session.peek(ann, at(3_001))).toBeUndefined();
    expect(session.isLive(at(3_001))).toBe(false);
    expect(session.tick(at(4_000))).toEqual([]);
    expect(session.receive({ kind: "renewed", sequence: 1 }, at(4_000))).toEqual([]);
    expect(session.receive(recallOf(ann), at(4_000))).toEqual([]);
    expect(session.phase).toBe("opening");
  });

  it("is not prolonged by a second answer to its opening, nor by an answer to a renewal that it never sent", () => {
    expect(session.receive({ kind: "opened", ttlMs: 60_000 }, at(200))).toEqual([]);
    session.receive({ kind: "renewed", sequence: 1 }, at(300));
    expect(session.isLive(at(1_499))).toBe(true);
    expect(session.isLive(at(1_500))).toBe(false);
  });

  it("counts each renewal from when it was sent, and is not set back by a late answer to an earlier one", () => {
    expect(session.tick(at(500))).toEqual([{ kind: "renew", sequence: 1 }]);
    expect(session.tick(at(999))).toEqual([]);
    expect(session.tick(at(1_000))).toEqual([{ kind: "renew", sequence: 2 }]);
    session.receive({ kind: "renewed", sequence: 2 }, at(1_010));
    session.receive({ kind: "renewed", sequence: 1 }, at(1_020));
    expect(session.isLive(at(2_499))).toBe(true);
    expect(session.isLive(at(2_500))).toBe(false);
  });

  it("asks for no renewal behind an acknowledgement where each that it sent was answered", () => {
    expect(session.receive(recallOf(ann), at(200))).toEqual([{ kind: "acknowledge", recall: "rcl_1" }]);
    session.tick(at(500));
    session.tick(at(1_000));
    session.receive({ kind: "renewed", sequence: 2 }, at(1_010));
    expect(session.receive(recallOf(ann), at(1_020))).toEqual([{ kind: "acknowledge", recall: "rcl_1" }]);
  });

  it("uses none of several answers to questions about a patient who is recalled meanwhile, and all about others", () => {
    const asks = [ann, { ...ann, code: "29463-7" }, ann].map((one) => session.ask(one, at(200))!);
    const other = session.ask(ben, at(200))!;
    session.abandon(asks[0]!);
    session.receive(recallOf(ann), at(210));
    for (const ask of asks.slice(1)) {
      expect(session.answer(ask, { permits: [permit] }, at(220))).toBeUndefined();
    }
    expect(session.answer(other, { permits: [permit] }, at(220))).toMatchObject({ permitted: true });
    cache(ann, 230);
    expect(session.peek(ann, at(231))).toMatchObject({ permitted: true });
  });

  it("knows nothing any more once its stream broke", () => {
    cache(ann, 200);
    session.end();
    session.connect(at(300));
    session.receive({ kind: "opened", ttlMs: 1_500 }, at(310));
    expect(session.peek(ann, at(320))).toBeUndefined();
  });

  it("is none before it was connected", () => {
    expect(new Session(sessionOptions(2)).phase).toBe("none");
  });

  it("asks nothing at the instant at which it lapses", () => {
    expect(session.ask(ann, at(1_500))).toBeUndefined();
    expect(session.phase).toBe("none");
  });

  it("heeds each answer to a renewal, whichever are under way", () => {
    session.tick(at(500));
    session.tick(at(1_000));
    session.receive({ kind: "renewed", sequence: 1 }, at(1_010));
    session.receive({ kind: "renewed", sequence: 2 }, at(1_020));
    expect(session.isLive(at(2_499))).toBe(true);
  });

  it("has nothing more to do with a question that was answered or given up", () => {
    const [answered, abandoned] = [session.ask(ann, at(200))!, session.ask(ann, at(200))!];
    session.answer(answered, { permits: [permit] }, at(210));
    session.abandon(abandoned);
    session.receive(recallOf(ann), at(220));
    expect([answered.stale, abandoned.stale]).toEqual([false, false]);
  });
});

const day = 86_400_000;
const ahead = (aheadSeconds: number): Question => ({ ...ann, aheadSeconds });

describe("the clock of an organization in a sandbox", () => {
  it("ends a consent of ten days eleven days ahead, and what was remembered before the move does not count", () => {
    const validity = { notAfter: wall + 10 * day };
    const moved = ahead(11 * 86_400);
    cache(ann, 200, validity);
    expect(session.peek(ann, at(300))).toMatchObject({ permitted: true });
    expect(session.peek(moved, at(300))).toBeUndefined();
    const ask = session.ask(moved, at(300))!;
    expect(session.answer(ask, { permits: [{ ...permit, ...validity }] }, at(310))).toEqual({
      permitted: false,
      reason: DenialReason.EXPIRED,
    });
    expect(session.peek(ann, at(320))).toMatchObject({ permitted: true });
  });

  it("keeps what is remembered at another time apart, and a recall drops both", () => {
    cache(ann, 200);
    cache(ahead(86_400), 200);
    expect(session.peek(ahead(86_400), at(300))).toMatchObject({ permitted: true });
    session.receive(recallOf(ann), at(310));
    expect([session.peek(ann, at(320)), session.peek(ahead(86_400), at(320))]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it("judges at an offset as without one that much later; an offset of zero is none", () => {
    const instant = fc.integer({ min: wall - 3 * day, max: wall + 3 * day });
    const decided = (question: Question, wallMs: number, change: Partial<DatedPermit>) => {
      const clock = { wall: wallMs, monotonic: 0 };
      const own = new Session(sessionOptions(2));
      own.connect(clock);
      own.receive({ kind: "opened", ttlMs: 1_500 }, clock);
      const first = own.answer(own.ask(question, clock)!, { permits: [{ ...permit, ...change }] }, clock);
      return [first, own.peek(question, clock)];
    };
    const property = fc.property(
      instant,
      instant,
      fc.nat(2 * 86_400),
      fc.nat(day),
      (from, to, aheadSeconds, lastMs) => {
        const sliding = { lastMs, from: earliestTime };
        for (const change of [
          { notBefore: from, notAfter: to },
          { notAfter: to, sliding },
        ]) {
          const later = wall + aheadSeconds * 1_000;
          expect(decided(ahead(aheadSeconds), wall, change)).toEqual(decided(ann, later, change));
          expect(decided(ahead(0), wall, change)).toEqual(decided(ann, wall, change));
        }
      },
    );
    fc.assert(property);
  });
});
