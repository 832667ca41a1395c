import { setTimeout } from "node:timers/promises";

/**
 * The answer, or the reason of a refusal, once the exchange can decide: on a machine that stalls, records may lose its session with
 * consent for a moment, and refuses with the reason UNDECIDED, which says to ask again. Users do.
 */
export async function decided<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const answer = await ask();
    if (answer !== "UNDECIDED" || tries === 30) return answer;
    await setTimeout(500);
  }
}
