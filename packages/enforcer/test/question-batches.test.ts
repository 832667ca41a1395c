import { createRouterTransport } from "@connectrpc/connect";
import {
  ConsentDecisionService,
  type DecideRequest,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { createConsentLink } from "../src/consent-link.ts";
import type { Question } from "../src/port.ts";

const about = (code: string, more: Partial<Question> = {}): Question => ({
  partition: "eu/pat_1",
  organization: "org_1",
  direction: Direction.READ,
  purpose: Purpose.TREATMENT,
  region: "eu",
  code,
  ...more,
});

/** Permits every second code, and names it. */
function decisionOf(code: string) {
  const permitted = Number(code) % 2 === 0;
  return permitted
    ? { grants: [{ consent: `con_${code}`, version: 1, resolution: Resolution.RAW }] }
    : { denialReason: DenialReason.CATEGORY };
}

/** `earlier`: a service that does not know of further codes. */
function openLink(service: "today's" | "earlier" | "broken" = "today's") {
  const calls: DecideRequest[] = [];
  const transport = createRouterTransport((router) => {
    router.service(ConsentDecisionService, {
      decide(request) {
        calls.push(request);
        if (service === "broken") throw new Error("no answer");
        const decision = decisionOf(request.question!.code);
        return service === "earlier"
          ? { decision }
          : { decision, further: request.furtherCodes.map(decisionOf) };
      },
    });
  });
  return { calls, link: createConsentLink(transport, "test", 1_000) };
}

const codes = (count: number) => Array.from({ length: count }, (_, at) => String(at));

const named = (answers: readonly object[]) =>
  answers.map((answer) =>
    "permits" in answer ? (answer.permits as { consent: string }[])[0]!.consent : "no",
  );

const expected = (count: number) =>
  codes(count).map((code) => (Number(code) % 2 === 0 ? `con_${code}` : "no"));

describe("questions that are asked at once", () => {
  it("about the codes of one patient are one call, each with its own answer", async () => {
    const { calls, link } = openLink();
    const answers = await Promise.all(codes(40).map((code) => link.decide(about(code))));
    expect(named(answers)).toEqual(expected(40));
    expect(calls).toHaveLength(1);
    await link.decide(about("7"));
    expect(calls[1]!.furtherCodes).toEqual([]);
  });

  it("are parted by all else that is asked, and by how many a call takes", async () => {
    const { calls, link } = openLink();
    const others: Partial<Question>[] = [
      { partition: "eu/pat_2" },
      { organization: "org_2" },
      { direction: Direction.CONTRIBUTE },
      { purpose: Purpose.RESEARCH },
      { region: "us" },
      { person: "usr_1" },
    ];
    await Promise.all([about("1"), ...others.map((more) => about("1", more))].map(link.decide));
    expect(calls).toHaveLength(1 + others.length);
    calls.length = 0;
    expect(named(await Promise.all(codes(300).map((code) => link.decide(about(code)))))).toEqual(
      expected(300),
    );
    expect(calls.map(({ furtherCodes }) => furtherCodes.length)).toEqual([255, 43]);
  });

  it("are asked one by one of a consent service of an earlier release", async () => {
    const { calls, link } = openLink("earlier");
    const answers = await Promise.all(codes(5).map((code) => link.decide(about(code))));
    expect(named(answers)).toEqual(expected(5));
    expect(calls).toHaveLength(5);
  });

  it("all fail where there is no answer, and the next one asks anew", async () => {
    const { calls, link } = openLink("broken");
    const settled = await Promise.allSettled(codes(3).map((code) => link.decide(about(code))));
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(calls).toHaveLength(1);
    await expect(link.decide(about("1"))).rejects.toThrow();
    expect(calls).toHaveLength(2);
  });
});
