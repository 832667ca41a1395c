import { describe, expect, it } from "vitest";
import { Answers, type Recall } from "../src/index.ts";

const ann = "local/pat_ann";
const clinic = "org_clinic";
const revoked: Recall = { partition: ann, onlyWidens: false, grantees: [clinic] };

/** An enforcer whose session and recalls the test decides. */
function world(remembered?: number) {
  const listeners = new Set<(recall: Recall | undefined) => void>();
  const enforcer = {
    live: true,
    isLive: () => enforcer.live,
    onRecall(listener: (recall: Recall | undefined) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    hear(recall: Recall | undefined) {
      for (const listener of listeners) listener(recall);
    },
  };
  return { enforcer, answers: new Answers(enforcer, remembered) };
}

/** An answer for the clinic about Ann. */
function begin({ answers }: ReturnType<typeof world>, organization: string | undefined = clinic) {
  const flight = answers.begin();
  flight.about(ann, organization);
  return flight;
}

describe("an answer in flight", () => {
  it("is objected to once something is taken away from its reader, and for ever", () => {
    const { enforcer, ...rest } = world();
    const flight = begin({ enforcer, ...rest });
    expect(flight.objection()).toBeUndefined();
    enforcer.hear(revoked);
    expect(flight.objection()).toBe("recalled");
    expect(flight.objection()).toBe("recalled");
    expect(begin({ enforcer, ...rest }).objection()).toBeUndefined();
  });

  it("is judged by what came since it began also where it is known only later whom it is about", () => {
    const { enforcer, answers } = world();
    const flight = answers.begin();
    enforcer.hear(revoked);
    expect(flight.objection()).toBeUndefined();
    flight.about(ann, clinic);
    expect(flight.objection()).toBe("recalled");
  });

  it.each([
    ["another patient's consent", { ...revoked, partition: "local/pat_ben" }],
    ["another organization's consent", { ...revoked, grantees: ["org_other"] }],
    ["a change that takes nothing away", { ...revoked, onlyWidens: true }],
  ])("is left alone by %s", (_, recall) => {
    const { enforcer, ...rest } = world();
    const flight = begin({ enforcer, ...rest });
    const listening = begin({ enforcer, ...rest });
    listening.onObjection(() => {
      throw new Error("nobody objects");
    });
    enforcer.hear(recall);
    expect([flight.objection(), listening.objection()]).toEqual([undefined, undefined]);
  });

  it("is objected to for everybody, the patient too, where nobody is named", () => {
    const { enforcer, ...rest } = world();
    const flights = [begin({ enforcer, ...rest }), begin({ enforcer, ...rest }, "org_other")];
    const own = rest.answers.begin();
    own.about(ann, undefined);
    enforcer.hear(revoked);
    expect(own.objection()).toBeUndefined();
    enforcer.hear({ ...revoked, grantees: [] });
    expect([...flights, own].map((flight) => flight.objection())).toEqual([
      "recalled",
      "recalled",
      "recalled",
    ]);
  });

  it("is unsure without a session, and where its session has ended meanwhile", () => {
    const { enforcer, ...rest } = world();
    const flight = begin({ enforcer, ...rest });
    enforcer.live = false;
    enforcer.hear(undefined);
    const without = begin({ enforcer, ...rest });
    enforcer.live = true;
    expect(flight.objection()).toBe("unsure");
    expect(without.objection()).toBe("unsure");
    expect(begin({ enforcer, ...rest }).objection()).toBeUndefined();
  });

  it("is unsure at the instant at which its lease is over, before anybody says so", () => {
    const { enforcer, ...rest } = world();
    const flight = begin({ enforcer, ...rest });
    enforcer.live = false;
    expect(flight.objection()).toBe("unsure");
  });

  it("counts as recalled where more recalls came than are remembered", () => {
    const { enforcer, ...rest } = world(3);
    const early = begin({ enforcer, ...rest });
    const ben = { ...revoked, partition: "local/pat_ben" };
    for (let i = 0; i < 3; i++) enforcer.hear(ben);
    const late = begin({ enforcer, ...rest });
    for (let i = 0; i < 3; i++) enforcer.hear(ben);
    expect(late.objection()).toBeUndefined();
    enforcer.hear(ben);
    expect(early.objection()).toBe("recalled");
    const another = rest.answers.begin();
    for (let i = 0; i < 4; i++) enforcer.hear(ben);
    another.about(ann, clinic);
    expect(another.objection()).toBe("recalled");
  });

  it("tells who listens, at once, of a recall and of a session's end, until told to stop", () => {
    const { enforcer, ...rest } = world();
    const told: string[] = [];
    const listen = (name: string) => {
      const flight = begin({ enforcer, ...rest });
      return flight.onObjection(() => told.push(`${name} ${flight.objection()}`));
    };
    listen("first");
    listen("second")();
    enforcer.hear(revoked);
    expect(told).toEqual(["first recalled"]);
    listen("third");
    enforcer.live = false;
    enforcer.hear(undefined);
    expect(told.filter((one) => one.startsWith("third"))).toEqual(["third unsure"]);
  });

  it("tells also who begins to listen after the recall", () => {
    const { enforcer, ...rest } = world();
    const flight = begin({ enforcer, ...rest });
    enforcer.hear(revoked);
    let told = 0;
    flight.onObjection(() => (told += 1));
    expect(told).toBe(1);
  });

  it("that listens is not cut by recalls of others, however many", () => {
    const { enforcer, ...rest } = world(3);
    const flight = begin({ enforcer, ...rest });
    flight.onObjection(() => {});
    for (let i = 0; i < 20; i++) enforcer.hear({ ...revoked, partition: "local/pat_ben" });
    expect(flight.objection()).toBeUndefined();
  });

  it("tells several who listen, each until told to stop", () => {
    const { enforcer, ...rest } = world();
    const flight = begin({ enforcer, ...rest });
    const told: string[] = [];
    const stop = flight.onObjection(() => told.push("first"));
    flight.onObjection(() => told.push("second"));
    stop();
    enforcer.hear(revoked);
    expect(told).toEqual(["second"]);
  });

  it("that nobody listens to any more is judged by what comes then, not by what came before", () => {
    const { enforcer, ...rest } = world(3);
    const flight = begin({ enforcer, ...rest });
    const stop = flight.onObjection(() => {});
    for (let i = 0; i < 20; i++) enforcer.hear({ ...revoked, partition: "local/pat_ben" });
    stop();
    expect(flight.objection()).toBeUndefined();
    enforcer.hear(revoked);
    expect(flight.objection()).toBe("recalled");
  });
});
