import { Session, sessionOptions } from "@wellapi/enforcer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConsentRepository } from "../src/consent-repository.ts";
import { Recalls, sessionMarginMs } from "../src/recall.ts";
import { SessionRepository } from "../src/session-repository.ts";
import { sessionTtlMs } from "../src/session-streams.ts";
import { Exchange, type Parts, patients, soundParts } from "./model/exchange.ts";
import { Violation } from "./model/oracle.ts";
import { anyScenario, play, type Scenario } from "./model/scenario.ts";

function property(parts: Parts) {
  return fc.asyncProperty(anyScenario, async (scenario: Scenario) => {
    await play(parts, scenario);
  });
}

describe("revocation", () => {
  it("is linearizable and returns, whatever happens", async () => {
    await fc.assert(property(soundParts), { numRuns: Number(process.env.MODEL_RUNS ?? 150), interruptAfterTimeLimit: 100_000 });
  }, 120_000);
});
