import {
  type Answer,
  type Ask,
  type ClockReading,
  type Decision,
  type Outgoing,
  type Question,
  Session,
  type SessionLease,
  sessionOptions,
} from "@wellapi/enforcer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RecallScope } from "../src/consent.ts";
import { ConsentRepository } from "../src/consent-repository.ts";
import { scopeOfDispute } from "../src/disputes.ts";
import { Recalls } from "../src/recall.ts";
import { SessionRepository } from "../src/session-repository.ts";
import { type Parts, soundParts } from "./model/exchange.ts";
import { Violation } from "./model/oracle.ts";
import { anyScenario, disputingScenario, play } from "./model/scenario.ts";
import { scopes, sealing } from "./sealing.ts";

const property = (parts: Parts, scenarios = anyScenario) =>
  fc.asyncProperty(scenarios, async (scenario) => {
    await play(parts, scenario);
  });

describe("giving and revoking consent, and disputing data", () => {
  it("is linearizable, and everything comes back to life, whatever happens", async () => {
    // MODEL_RUNS=20000 is for a night; what a failure prints is the shortest scenario found.
    await fc.assert(property(soundParts, disputingScenario), {
      numRuns: Number(process.env.MODEL_RUNS ?? 150),
    });
  });
});

/** The mistakes that its authors fear most. Each replaces one production method. */
const mistakes: Record<string, Partial<Parts>> = {
  "the lease is counted from the answer instead of from before the question": {
    session: () =>
      new (class extends Session {
        protected override leaseStart(_sent: ClockReading, received: ClockReading): ClockReading {
          return received;
        }
      })(sessionOptions()),
  },
  "a recall is acknowledged before the decisions are dropped": {
    session: () =>
      new (class extends Session {
        #later: string[] = [];
        protected override drop(partition: string): void {
          this.#later.push(partition);
        }
        override tick(at: ClockReading): Outgoing[] {
          for (const partition of this.#later.splice(0)) super.drop(partition);
          return super.tick(at);
        }
      })(sessionOptions()),
  },
  "an answer that was under way during a recall is used and cached": {
    session: () =>
      new (class extends Session {
        protected override usable(): boolean {
          return this.phase === "live";
        }
      })(sessionOptions()),
  },
  "a no that is kept outlives a recall": {
    session: () =>
      new (class extends Session {
        readonly #noes = new Map<string, Decision>();
        override answer(ask: Ask, answer: Answer, at: ClockReading): Decision | undefined {
          const decision = super.answer(ask, answer, at);
          if (decision?.permitted === false) this.#noes.set(ask.question.partition, decision);
          return decision;
        }
        override peek(question: Question, at: ClockReading): Decision | undefined {
          const known = super.peek(question, at);
          return this.phase === "live" ? (known ?? this.#noes.get(question.partition)) : known;
        }
      })(sessionOptions()),
  },
  "a machine that was suspended believes its stopped clock": {
    session: () =>
      new (class extends Session {
        protected override leaseOver({ start, ttlMs }: SessionLease, at: ClockReading): boolean {
          return at.monotonic - start.monotonic >= ttlMs;
        }
      })(sessionOptions()),
  },
  // Made in earnest while this was written, and found by this property.
  "an answer is ticked off before its session is seen to have ended": {
    session: () =>
      new (class extends Session {
        override answer(ask: Ask, answer: Answer, at: ClockReading): Decision | undefined {
          this.abandon(ask);
          return super.answer(ask, answer, at);
        }
      })(sessionOptions()),
  },
  "a session is renewed while it owes an acknowledgement": {
    sessions: (store, timers) =>
      new (class extends SessionRepository {
        protected override mayRenew(): boolean {
          return true;
        }
      })(store, scopes, timers),
  },
  "the sessions are listed before the revocation is committed": {
    consents: (store, sessions) => {
      const list = sessions.list.bind(sessions);
      return new (class extends ConsentRepository {
        override async commit(change: Parameters<ConsentRepository["commit"]>[0]) {
          const listed = await list();
          sessions.list = async () => listed;
          return super.commit(change);
        }
      })(store, sealing, scopes);
    },
  },
  "giving consent recalls nobody": {
    recalls: (options) =>
      new (class extends Recalls {
        override async recall(partition: string, scope: RecallScope): Promise<void> {
          if (!scope.onlyWidens) await super.recall(partition, scope);
        }
      })(options),
  },
  "a session that stays silent is not waited for until it has run out": {
    recalls: (options) =>
      new (class extends Recalls {
        protected override waitMs(): number {
          return 300;
        }
      })(options),
  },
};

/** What is found by one scenario in a thousand: its place among those of a seed, with which fast-check then begins. */
const seeds: Readonly<Record<string, { readonly seed: number; readonly path: string }>> = {
  "the lease is counted from the answer instead of from before the question": { seed: 1, path: "263" },
  "an answer is ticked off before its session is seen to have ended": { seed: 5, path: "1189" },
};
const usual = { seed: 5 };

describe("a planted mistake is found by the same property:", () => {
  it("a dispute recalls nobody", async () => {
    const recalls: Parts["recalls"] = (options) =>
      new (class extends Recalls {
        override async recall(partition: string, scope: RecallScope): Promise<void> {
          if (scope !== scopeOfDispute) await super.recall(partition, scope);
        }
      })(options);
    const planted = property({ ...soundParts, recalls }, disputingScenario);
    const { errorInstance } = await fc.check(planted, { numRuns: 1_500, ...usual, endOnFailure: true });
    expect(errorInstance).toBeInstanceOf(Violation);
  });

  it.each(Object.entries(mistakes))("%s", async (name, parts) => {
    const result = await fc.check(property({ ...soundParts, ...parts }), {
      numRuns: 1_500,
      ...(seeds[name] ?? usual),
      endOnFailure: true, // found is enough; shrinking is for people
    });
    expect(result.errorInstance).toBeInstanceOf(Violation);
  });
});
