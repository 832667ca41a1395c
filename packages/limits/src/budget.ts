import { type Admission, type Budget, type BudgetState, rpcNameOf, type Spending } from "@wellapi/rpc";
import { createBoundedCache } from "@wellapi/runtime";
import type { Counters, Taken } from "./counters.ts";
import { addressDraws, type Draw, drawsOf, windowSeconds } from "./rates.ts";
import { createRefusals, type RefusalsOptions } from "./refusals.ts";
import { createSpending, nothingSpent } from "./spending.ts";
import { weights } from "./weights.ts";

export interface BudgetOptions extends RefusalsOptions {
  readonly counters: Counters;
  /** Units a second of an address, for callers without a valid credential. */
  readonly addressRate: number;
}

/** Credentials that were accepted lately pass an address that is over its budget. */
const acceptedCredentials = 10_000;

/** Budgets of the callers of a process's doors, over the counters that it shares with other replicas or not. */
export function createBudget(options: BudgetOptions): Budget {
  const { counters, addressRate } = options;
  const refusals = createRefusals(options);
  const accepted = createBoundedCache<true>({ name: "accepted-credentials", capacity: acceptedCredentials });

  async function takeFrom(draws: readonly Draw[], units: number): Promise<Outcome> {
    return outcomeOf(draws, await Promise.all(draws.map((draw) => takeUnits(counters, draw, units))));
  }

  async function admissionOf({ state, over }: Outcome, spending: Spending): Promise<Admission> {
    if (over === undefined) return { state, spending };
    return { state, refusal: await refusals.refuse(over.draw, over.taken.resetMs), spending: nothingSpent };
  }

  return {
    async admit(call) {
      const draws = drawsOf(call, addressRate);
      if (draws.length === 0) return { state: undefined, spending: nothingSpent };
      const units = weights.calls[rpcNameOf(call.method)] ?? weights.call;
      const outcome = await takeFrom(draws, units);
      return admissionOf(outcome, createSpending({ counters, draws, refusals, takeFrom: outcomeOver }));

      async function outcomeOver(more: number) {
        return (await takeFrom(draws, more)).over;
      }
    },

    async beforeExchange(address, fingerprint) {
      if (accepted.get(fingerprint) !== undefined) return undefined;
      const draws = addressDraws(address, addressRate);
      if (draws.length === 0) return undefined;
      // Nothing is taken: only a refused credential costs. A quota that is used up refuses all the same.
      const outcome = await takeFrom(draws, 0);
      return outcome.over === undefined ? undefined : admissionOf(outcome, nothingSpent);
    },

    exchanged(address, fingerprint, isAccepted) {
      if (isAccepted) accepted.set(fingerprint, true);
      else {
        accepted.delete(fingerprint);
        for (const { key, quota } of addressDraws(address, addressRate)) {
          void counters.add(key, weights.refusedCredential, quota);
        }
      }
    },
  };
}

/** A budget that refuses, and when its window ends. */
interface Over {
  readonly draw: Draw;
  readonly taken: Taken;
}

interface Outcome {
  readonly state: BudgetState | undefined;
  readonly over: Over | undefined;
}

/** A call that costs more than a whole small quota is permitted with a full one. */
function takeUnits(counters: Counters, { key, quota }: Draw, units: number): Promise<Taken> {
  return counters.take(key, Math.min(units, quota), quota);
}

/** The tightest budget is told; of several that refuse, the one that lasts longest. */
function outcomeOf(draws: readonly Draw[], results: readonly Taken[]): Outcome {
  let over: Over | undefined;
  let tightest: Over | undefined;
  for (const [i, taken] of results.entries()) {
    const one = { draw: draws[i]!, taken };
    if (!taken.allowed && taken.resetMs > (over?.taken.resetMs ?? -1)) over = one;
    if (tightest === undefined || shareLeft(one) < shareLeft(tightest)) tightest = one;
  }
  const told = over ?? tightest;
  return { state: told && stateOf(told), over };
}

function shareLeft({ draw, taken }: Over): number {
  return taken.remaining / draw.quota;
}

function stateOf({ draw, taken }: Over): BudgetState {
  const { name, quota } = draw;
  return { name, quota, windowSeconds, remaining: taken.remaining, resetMs: taken.resetMs };
}
