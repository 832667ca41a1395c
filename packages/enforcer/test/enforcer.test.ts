import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import {
  ConsentDecisionService,
  type WatchRequest,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger, systemClock } from "@wellapi/runtime";
import { describe, expect, it, onTestFinished } from "vitest";
import { openEnforcer } from "../src/index.ts";

const question = {
  partition: "local/pat_1",
  organization: "org_clinic",
  direction: Direction.READ,
  code: "8867-4",
  purpose: Purpose.TREATMENT,
  region: "local",
};
const grant = { consent: "con_1", version: 3, resolution: Resolution.DAILY };

type Answered = { grants?: object[]; denialReason?: DenialReason };

/** An enforcer of a consent service that answers as it is told. */
function open(service: {
  decide(): Answered | Promise<Answered>;
  watch?(requests: AsyncIterable<WatchRequest>): AsyncIterable<object>;
}) {
  async function* renewing(requests: AsyncIterable<WatchRequest>) {
    for await (const { message } of requests) {
      if (message.case === "open")
        yield { message: { case: "opened", value: { session: "s", ttlMs: 1_500 } } };
      if (message.case === "renew") yield { message: { case: "renewed", value: message.value } };
    }
  }
  const transport = createRouterTransport((router) => {
    router.service(ConsentDecisionService, {
      decide: async () => ({ decision: await service.decide() }),
      watch: (service.watch ?? renewing) as never,
    });
  });
  const enforcer = openEnforcer({ transport, instance: "test", clock: systemClock, log: silentLogger });
  onTestFinished(() => enforcer.close());
  return enforcer;
}

describe("an enforcer", () => {
  it("gives permits with open ends where the grant has none", async () => {
    const enforcer = open({ decide: () => ({ grants: [grant] }) });
    const verdict = await enforcer.decide(question);
    const [permit] = verdict.permitted ? verdict.permits : [];
    expect(permit).toMatchObject(grant);
    expect(new Date(permit!.from).toISOString()).toBe("0001-01-01T00:00:00.000Z");
    expect(new Date(permit!.to - 1).toISOString()).toBe("9999-12-31T23:59:59.999Z");
  });

  it("permits nothing by a resolution that it does not know", async () => {
    const enforcer = open({ decide: () => ({ grants: [{ ...grant, resolution: 99 }] }) });
    expect(await enforcer.decide(question)).toEqual({ permitted: false, reason: DenialReason.NO_CONSENT });
  });

  it("is undecided where the service fails, and says when to come again", async () => {
    const enforcer = open({
      decide() {
        throw new ConnectError("down", Code.Unavailable);
      },
    });
    await expect(enforcer.decide(question)).rejects.toMatchObject({
      code: "undecided",
      problem: { code: Code.Unavailable, reason: "UNDECIDED", retryAfterMs: 500 },
    });
  });

  it("asks again where the first question meets a replica that never answers", async () => {
    let asked = 0;
    const enforcer = open({
      decide: () => (++asked === 1 ? new Promise<never>(() => {}) : { grants: [grant] }),
    });
    expect(await enforcer.decide(question)).toMatchObject({ permitted: true });
    expect(asked).toBe(2);
  });

  it("is undecided where no session can be had", async () => {
    const enforcer = open({
      decide: () => ({ grants: [grant] }),
      // biome-ignore lint/correctness/useYield: it fails before it says anything
      async *watch() {
        throw new ConnectError("down", Code.Unavailable);
      },
    });
    await expect(enforcer.decide(question)).rejects.toMatchObject({ code: "undecided" });
  });

  it("connects again when its stream breaks, and tells the listeners that it knows nothing any more", async () => {
    let sessions = 0;
    let breakStream = () => {};
    const broken = new Promise<void>((resolve) => {
      breakStream = resolve;
    });
    const enforcer = open({
      decide: () => ({ grants: [grant] }),
      async *watch() {
        sessions += 1;
        yield { message: { case: "opened", value: { session: "s", ttlMs: 1_500 } } };
        await broken;
        throw new ConnectError("reset", Code.Unavailable);
      },
    });
    await enforcer.decide(question);
    expect(enforcer.session().live).toBe(true);
    const ended = new Promise((resolve) => enforcer.onRecall(resolve));
    breakStream();
    expect(await ended).toBeUndefined();
    expect(enforcer.peek(question)).toBeUndefined();
    expect(enforcer.session().live).toBe(false);
    await enforcer.decide(question).catch(() => undefined);
    expect(sessions).toBeGreaterThan(1);
  });

  it("lets listeners finish before it acknowledges a recall", async () => {
    const said: string[] = [];
    let acknowledged = () => {};
    const done = new Promise<void>((resolve) => {
      acknowledged = resolve;
    });
    const enforcer = open({
      decide: () => ({ grants: [grant] }),
      async *watch(requests) {
        for await (const { message } of requests) {
          if (message.case === "open") {
            yield { message: { case: "opened", value: { session: "s", ttlMs: 1_500 } } };
            const { partition } = question;
            yield { message: { case: "recall", value: { recall: "rcl_1", partition } } };
          }
          if (message.case !== "acknowledge") continue;
          said.push(`acknowledged ${message.value.recall}`);
          acknowledged();
        }
      },
    });
    enforcer.onRecall((recall) => said.push(`recalled ${recall?.partition}`));
    await done;
    expect(said).toEqual(["recalled local/pat_1", "acknowledged rcl_1"]);
  });

  it("acknowledges nothing where a listener fails to let go: its session ends, and everybody hears of that", async () => {
    const said: string[] = [];
    let sessions = 0;
    const enforcer = open({
      decide: () => ({ grants: [grant] }),
      async *watch(requests) {
        sessions += 1;
        for await (const { message } of requests) {
          if (message.case === "acknowledge") said.push("acknowledged");
          if (message.case !== "open") continue;
          yield { message: { case: "opened", value: { session: "s", ttlMs: 1_500 } } };
          if (sessions > 1) continue;
          const { partition } = question;
          yield { message: { case: "recall", value: { recall: "rcl_1", partition } } };
        }
      },
    });
    const ended = new Promise<void>((resolve) => {
      enforcer.onRecall((recall) => {
        if (recall !== undefined) throw new Error("it can't let go");
        resolve();
      });
    });
    enforcer.onRecall((recall) => said.push(`recalled ${recall?.partition}`));
    await ended;
    await enforcer.ready();
    expect(said).toEqual(["recalled local/pat_1", "recalled undefined"]);
    expect(sessions).toBe(2);
  });

  it("refuses once it is closed", async () => {
    const enforcer = open({ decide: () => ({ grants: [grant] }) });
    await enforcer.ready();
    await enforcer.close();
    expect(enforcer.peek(question)).toBeUndefined();
    await expect(enforcer.decide(question)).rejects.toMatchObject({ code: "closed" });
    await expect(enforcer.ready()).rejects.toMatchObject({ code: "closed" });
  });
});
