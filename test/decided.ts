import { setTimeout } from "node:timers/promises";

/**
 * The answer, or the reason of a refusal, once the exchange can decide: on a machine that stalls, records may lose its session with
 * consent for a moment, and refuses with the reason UNDECIDED, which says to ask again. Users do.
 */
export async function decided<T>(
  ask: () => Promise<T>,
  reasonOf: (answer: T) => unknown = (answer) => answer,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const answer = await ask();
    if (reasonOf(answer) !== "UNDECIDED" || tries === 150) return answer;
    await setTimeout(100);
  }
}

/** As `fetch`; but who is refused for now (503) asks again when the answer says so, as clients do. */
export async function fetchDecided(url: string | URL, init?: RequestInit): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(url, init);
    if (answer.status !== 503 || tries === 15) return answer;
    await answer.body?.cancel();
    await setTimeout(1_000 * Number(answer.headers.get("retry-after") ?? 1));
  }
}
