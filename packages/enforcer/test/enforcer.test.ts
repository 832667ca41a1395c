import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  ConsentDecisionService,
  type WatchRequest,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import {
  DecisionSchema,
  DenialReason,
  DeviceSchema,
  DisputeSchema,
  GrantSchema,
} from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import {
  CaptureMethod,
  Direction,
  Purpose,
  Resolution,
  TimeIntervalSchema,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger, systemClock } from "@wellapi/runtime";
import { describe, expect, it, onTestFinished } from "vitest";
import { answerOf } from "../src/consent-link.ts";
import {
  type ConsentLink,
  openEnforcer,
  runEnforcer,
  Session,
  sessionOptions,
  sourceDeviceKey,
  systemTimers,
  type WatchListener,
} from "../src/index.ts";
import { latestTime } from "../src/permits.ts";

const question = {
  partition: "local/pat_1",
  organization: "org_clinic",
  direction: Direction.READ,
  code: "8867-4",
  purpose: Purpose.TREATMENT,
  region: "local",
};
const grant = { consent: "con_1", version: 3, resolution: Resolution.DAILY };

type Answered = { grants?: object[]; denialReason?: DenialReason; disputes?: object[] };

/** As a newer service sends it: with a field that is not known here. */
const withField = <D extends DescMessage>(schema: D, message: MessageShape<D>): MessageShape<D> =>
  fromBinary(schema, Buffer.concat([toBinary(schema, message), Buffer.from([0xfa, 0x07, 1, 0])]));

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

describe("an answer", () => {
  const known = create(DecisionSchema, { grants: [grant, { ...grant, consent: "con_2", provision: 4 }] });
  const denied = { denied: { permitted: false, reason: DenialReason.NO_CONSENT } };
  it("names consent, version and provision of each permit", () => {
    expect(answerOf(known)).toMatchObject({
      permits: [
        { consent: "con_1", version: 3, provision: 0 },
        { consent: "con_2", version: 3, provision: 4 },
      ],
    });
  });

  it("is a no as a whole where the decision says what is not known here, for that may restrict all of it", () => {
    expect(answerOf(withField(DecisionSchema, known))).toEqual(denied);
    expect(answerOf(undefined)).toEqual(denied);
    const both = create(DecisionSchema, { ...known, denialReason: DenialReason.DENIED });
    expect(answerOf(both)).toEqual({ denied: { permitted: false, reason: DenialReason.DENIED } });
    expect(answerOf(create(DecisionSchema, { ...known, denialReason: 99 as DenialReason }))).toMatchObject({
      denied: { permitted: false },
    });
  });

  it("may be kept if it is a no that says until when, and nothing else", () => {
    const deniedUntil = timestampFromMs(1_700_000_000_000);
    const no = { denialReason: DenialReason.CATEGORY, deniedUntil };
    const answer = { denied: { permitted: false, reason: DenialReason.CATEGORY } };
    expect(answerOf(create(DecisionSchema, no))).toEqual({ ...answer, until: 1_700_000_000_000 });
    expect(answerOf(create(DecisionSchema, { ...no, grants: known.grants }))).toEqual(answer);
    expect(answerOf(withField(DecisionSchema, create(DecisionSchema, no)))).toEqual(answer);
    expect(answerOf(create(DecisionSchema, { deniedUntil }))).toEqual(denied);
  });

  it("leaves out a grant that says what is not known here, and keeps the others", () => {
    const [first] = known.grants;
    const window = create(TimeIntervalSchema, {});
    const strange = [
      withField(GrantSchema, first!),
      create(GrantSchema, { ...first!, resolution: 99 as Resolution }),
      create(GrantSchema, { ...first!, resolution: Resolution.COUNT_ONLY }),
      create(GrantSchema, { ...first!, resolution: Resolution.UNSPECIFIED }),
      create(GrantSchema, { ...first!, window: withField(TimeIntervalSchema, window) }),
      create(GrantSchema, { ...first!, validity: withField(TimeIntervalSchema, window) }),
      create(GrantSchema, { ...first!, capturedInLastMs: -1n }),
      create(GrantSchema, { ...first!, provision: -1 }),
      create(GrantSchema, { ...first!, consent: "" }),
      create(GrantSchema, { ...first!, version: 0 }),
    ];
    for (const one of strange) {
      const answer = answerOf(create(DecisionSchema, { grants: [one, known.grants[1]!] }));
      expect(answer).toMatchObject({ permits: [{ consent: "con_2" }] });
      expect("permits" in answer && answer.permits).toHaveLength(1);
      expect(answerOf(create(DecisionSchema, { grants: [one] }))).toEqual(denied);
    }
  });
});

describe("an enforcer", () => {
  it("says whose data it is about, and leaves out a grant that says it in two ways", () => {
    const of = (change: object) => answerOf(create(DecisionSchema, { grants: [{ ...grant, ...change }] }));
    const only = { onlyOrganizations: ["org_watch"] };
    const except = { exceptOrganizations: ["org_watch"] };
    expect(of(only)).toMatchObject({ permits: [{ sources: { only: new Set(["org_watch"]) } }] });
    expect(of(except)).toMatchObject({ permits: [{ sources: { except: new Set(["org_watch"]) } }] });
    expect(of({ ...only, ...except })).toMatchObject({ denied: { permitted: false } });
    const device = create(DeviceSchema, { organization: "org_watch", device: "dev_1" });
    const keys = new Set([sourceDeviceKey("org_watch", "dev_1")]);
    expect(of({ exceptDevices: [device] })).toMatchObject({
      permits: [{ sources: { except: new Set(), without: keys } }],
    });
    expect(of({ alsoDevices: [device] })).toMatchObject({
      permits: [{ sources: { only: new Set(), also: keys } }],
    });
    expect(of({ ...except, alsoDevices: [device] })).toMatchObject({
      permits: [{ sources: { except: new Set(["org_watch"]), also: keys } }],
    });
    const { SENSED, SELF_REPORTED, UNSPECIFIED } = CaptureMethod;
    expect(of({ onlyMethods: [SENSED] })).toMatchObject({
      permits: [{ sources: { except: new Set(), onlyMethods: new Set([SENSED]) } }],
    });
    expect(of({ ...only, exceptMethods: [SELF_REPORTED] })).toMatchObject({
      permits: [{ sources: { only: new Set(["org_watch"]), exceptMethods: new Set([SELF_REPORTED]) } }],
    });
    for (const strange of [
      { onlyMethods: [SENSED], exceptMethods: [SELF_REPORTED] },
      { onlyMethods: [9 as CaptureMethod] },
      { exceptMethods: [UNSPECIFIED] },
    ]) {
      expect(of(strange)).toMatchObject({ denied: { permitted: false } });
    }
    const unknown = withField(DeviceSchema, device);
    expect(of({ exceptDevices: [unknown] })).toMatchObject({ denied: { permitted: false } });
  });

  it("says what is left out, and drops a grant that leaves out what cannot be left out here", () => {
    const of = (...masks: Mask[]) => answerOf(create(DecisionSchema, { grants: [{ ...grant, masks }] }));
    const raw = { ...grant, masks: [Mask.DEVICE], resolution: Resolution.RAW };
    expect(answerOf(create(DecisionSchema, { grants: [raw] }))).toMatchObject({ permits: [{ masks: [1] }] });
    // By the hour and by the day data is told device by device.
    expect(of(Mask.DEVICE)).toMatchObject({ denied: { permitted: false } });
    expect(of(Mask.NOTES, Mask.PERFORMER)).toMatchObject({ permits: [{ masks: [2, 3] }] });
    for (const unknown of [Mask.UNSPECIFIED, 99 as Mask]) {
      expect(of(Mask.NOTES, unknown)).toMatchObject({ denied: { permitted: false } });
    }
  });

  it("says what is disputed with each decision, from the cache, too, and with no permit not at all", async () => {
    const dispute = {
      organization: "org_watch",
      device: "dev_1",
      capturedWithin: { startTime: { seconds: 1n } },
    };
    const enforcer = open({ decide: () => ({ grants: [grant], disputes: [dispute] }) });
    const told = { organization: "org_watch", device: "dev_1", from: 1_000, to: latestTime };
    expect(await enforcer.decide(question)).toMatchObject({ permitted: true, disputes: [told] });
    expect(enforcer.peek(question)).toMatchObject({ permitted: true, disputes: [told] });
    const denied = open({ decide: () => ({ disputes: [dispute] }) });
    expect(await denied.decide(question)).not.toHaveProperty("disputes");
    // It is a mark: what a newer service says of it restricts nothing.
    const newer = create(DecisionSchema, {
      grants: [grant],
      disputes: [withField(DisputeSchema, create(DisputeSchema))],
    });
    expect(answerOf(newer)).toMatchObject({
      permits: [{ consent: "con_1" }],
      disputes: [{ organization: "" }],
    });
  });

  it("gives permits with open ends where the grant has none", async () => {
    const enforcer = open({ decide: () => ({ grants: [grant] }) });
    const decision = await enforcer.decide(question);
    const [permit] = decision.permitted ? decision.permits : [];
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

  // Over the wire an acknowledgement leaves a moment after it was sent, which would hide a wrong order.
  it("hands nothing to its link before the listeners to a recall have returned", () => {
    const said: string[] = [];
    let tell: WatchListener | undefined;
    const link: ConsentLink = {
      decide: () => new Promise(() => {}),
      watch(listener) {
        tell = listener;
        return { send: ({ kind }) => said.push(kind), close: () => {} };
      },
    };
    const session = new Session(sessionOptions());
    const enforcer = runEnforcer({
      link,
      session,
      clock: systemClock,
      timers: systemTimers,
      log: silentLogger,
    });
    onTestFinished(() => enforcer.close());
    tell!.message({ kind: "opened", ttlMs: 1_500 });
    enforcer.onRecall(() => said.push("let go"));
    const { partition } = question;
    tell!.message({ kind: "recall", recall: "rcl_1", partition, onlyWidens: false, grantees: [] });
    expect(said).toEqual(["open", "let go", "acknowledge"]);
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
