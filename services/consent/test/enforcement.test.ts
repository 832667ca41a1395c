import { once } from "node:events";
import { Code, type Transport } from "@connectrpc/connect";
import type { Question } from "@wellapi/enforcer";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Clock } from "@wellapi/runtime";
import { describe, expect, it, vi } from "vitest";
import { sessionTtlMs } from "../src/session-streams.ts";
import { openInstallation, partition } from "./installation.ts";

const wanted = {
  grantee: "org_clinic",
  provisions: [
    {
      effect: Provision_Effect.PERMIT,
      directions: [Direction.READ],
      categories: [{ name: "heart", version: 0 }],
      purposes: [Purpose.TREATMENT],
      resolution: Resolution.HOURLY,
    },
  ],
};
const question: Question = {
  partition,
  organization: "org_clinic",
  direction: Direction.READ,
  code: "8867-4",
  purpose: Purpose.TREATMENT,
  region: "local",
};

/** A transport whose Watch streams can be made deaf: nothing that the service says arrives any more. */
function deafening(inner: Transport) {
  let deaf = false;
  const transport: Transport = {
    unary: inner.unary.bind(inner),
    async stream(...call) {
      const response = await inner.stream(...call);
      async function* heard() {
        for await (const message of response.message) if (!deaf) yield message;
      }
      return { ...response, message: heard() } as never;
    },
  };
  return {
    transport,
    deafen() {
      deaf = true;
    },
  };
}

/** From now on no time passes. */
function stop(clock: Clock): void {
  const [now, monotonic] = [clock.now(), clock.monotonic()];
  Object.assign(clock, { now: () => now, monotonic: () => monotonic });
}

describe("enforcers of a running service", () => {
  it("answers about several codes from one read of the consents, each as if it were asked alone", async () => {
    const { patient, decisions, store } = await openInstallation();
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    const reads = vi.spyOn(store, "get");
    const furtherCodes = ["29463-7", "8867-4", ""];
    const { decision, further } = await decisions().decide({ question, furtherCodes });
    expect(reads).toHaveBeenCalledTimes(1);
    expect([decision, ...further].map((one) => one!.denialReason)).toEqual([
      DenialReason.UNSPECIFIED,
      DenialReason.CATEGORY,
      DenialReason.UNSPECIFIED,
      DenialReason.CATEGORY,
    ]);
    expect(further[1]).toEqual(decision);
  });

  it("decide, remember, and forget within the revocation", async () => {
    const { patient, enforcer, clock } = await openInstallation();
    const enforcers = [await enforcer("records-1"), await enforcer("records-2")];
    const [first] = enforcers;
    // No lease runs out: only their acknowledgements end the revocation.
    stop(clock);
    const denial = { permitted: false, reason: DenialReason.NO_CONSENT };
    expect(await first!.decide(question)).toEqual(denial);

    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    const permit = { consent: consent!.id, version: 1, resolution: Resolution.HOURLY };
    for (const one of enforcers) {
      expect(one.peek(question)).toBeUndefined();
      expect(await one.decide(question)).toMatchObject({ permitted: true, permits: [permit] });
      expect(one.peek(question)).toMatchObject({ permitted: true, permits: [permit] });
    }
    // A renewal under way may bring a recall once more.
    const recalled = enforcers.map((one) => {
      const partitions = new Set<string | undefined>();
      one.onRecall((recall) => partitions.add(recall?.partition));
      return partitions;
    });

    await patient().revokeConsent({ consent: consent!.id });
    expect(recalled).toEqual([new Set([partition]), new Set([partition])]);
    for (const one of enforcers) {
      expect(one.peek(question)).toBeUndefined();
      expect(await one.decide(question)).toEqual({ permitted: false, reason: DenialReason.REVOKED });
    }
  });

  it("are waited for until their lease is over, where they do not answer", async () => {
    const { patient, enforcer, asRecords } = await openInstallation();
    const { transport, deafen } = deafening(asRecords());
    const deaf = await enforcer("records-1", transport);
    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    await deaf.decide(question);
    deafen();
    const revoked = patient().revokeConsent({ consent: consent!.id });
    expect(deaf.peek(question)).toMatchObject({ permitted: true }); // it cannot know, so the service must wait
    const began = performance.now();
    await revoked;
    expect(performance.now() - began).toBeGreaterThan(sessionTtlMs - 100);
    expect(deaf.peek(question)).toBeUndefined();
  });

  it("are recalled by the next start, where the service stops in the middle of a revocation", async () => {
    const { patient, enforcer, asRecords, restart, store } = await openInstallation();
    const { transport, deafen } = deafening(asRecords());
    const deaf = await enforcer("records-1", transport);
    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    await deaf.decide(question);
    deafen();
    const revoked = patient().revokeConsent({ consent: consent!.id });
    const owed = async () =>
      (await store.scan("pending_recalls", { equals: [], limit: 10 })).documents.length;
    await vi.waitFor(async () => expect(await owed()).toBe(1), { timeout: 15_000, interval: 5 });
    await Promise.all([expect(revoked).rejects.toMatchObject({ code: Code.Unavailable }), restart()]);
    expect(await owed()).toBe(1);
    await vi.waitFor(async () => expect(await owed()).toBe(0), { interval: 20, timeout: 15_000 });
    expect(deaf.peek(question)).toBeUndefined();
  });

  it("use nothing after their wall clock jumped, and soon have a session again", async () => {
    const { patient, enforcer, clock } = await openInstallation();
    const one = await enforcer();
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    await one.decide(question);
    const ended = new EventTarget();
    one.onRecall((recall) => ended.dispatchEvent(new Event(recall?.partition ?? "ended")));
    const heard = once(ended, "ended");
    const { now } = clock;
    clock.now = () => now() + 3_600_000;
    expect(one.peek(question)).toBeUndefined();
    await heard;
    expect(await one.decide(question)).toMatchObject({ permitted: true });
  });

  it("ask the service once about what they may remember", async () => {
    const { patient, enforcer, asRecords, clock } = await openInstallation();
    const transport = asRecords();
    const calls = vi.spyOn(transport, "unary");
    const one = await enforcer("records-1", transport);
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    stop(clock); // on a slow machine, too, their session lasts
    for (let i = 0; i < 10; i += 1)
      expect(await one.decide({ ...question })).toMatchObject({ permitted: true });
    expect(calls.mock.calls.filter(([{ name }]) => name === "Decide")).toHaveLength(1);
  });
});
