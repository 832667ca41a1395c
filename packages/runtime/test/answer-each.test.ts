import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { answerEach } from "../src/answer-each.ts";

const open = new AbortController().signal;

/** Requests whose answers the test gives, in the order that it likes. */
function desk() {
  const begun: number[] = [];
  const waiting = new Map<number, PromiseWithResolvers<string>>();
  const changed: (() => void)[] = [];
  return {
    begun,
    answer(request: number): Promise<string> {
      begun.push(request);
      const answer = Promise.withResolvers<string>();
      waiting.set(request, answer);
      for (const notify of changed.splice(0)) notify();
      return answer.promise;
    },
    give: (request: number) => waiting.get(request)!.resolve(`answer ${request}`),
    fail: (request: number, error: Error) => waiting.get(request)!.reject(error),
    async untilBegun(count: number): Promise<void> {
      while (begun.length < count) await new Promise<void>((resolve) => changed.push(resolve));
    },
  };
}

/** A source that says how much was asked of it. */
function numbers(count: number) {
  const source = {
    asked: 0,
    returned: false,
    async *[Symbol.asyncIterator]() {
      try {
        for (let i = 1; i <= count; i++) {
          source.asked = i;
          yield i;
        }
      } finally {
        source.returned = true;
      }
    },
  };
  return source;
}

/** Whatever can happen without anybody's doing has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await setImmediate();
}

describe("answerEach", () => {
  it("passes answers on in the order in which they are ready", async () => {
    const { answer, give, untilBegun } = desk();
    const answers = answerEach(numbers(3), answer, { limit: 16, signal: open });
    const first = answers.next();
    await untilBegun(3);
    give(2);
    expect(await first).toEqual({ done: false, value: "answer 2" });
    give(3);
    expect((await answers.next()).value).toBe("answer 3");
    give(1);
    expect((await answers.next()).value).toBe("answer 1");
    expect((await answers.next()).done).toBe(true);
  });

  it("reads no further while `limit` are unanswered, and again as answers are taken", async () => {
    const source = numbers(100);
    const { answer, give, begun } = desk();
    const answers = answerEach(source, answer, { limit: 4, signal: open });
    const first = answers.next();
    await settled();
    expect([begun.length, source.asked]).toEqual([4, 4]);
    for (const request of [1, 2, 3, 4]) give(request);
    await first;
    await settled();
    // One was taken, but the reader has not come back for the next: it may be stuck with it.
    expect([begun.length, source.asked]).toEqual([4, 4]);
    await answers.next();
    await settled();
    expect([begun.length, source.asked]).toEqual([5, 5]);
    await answers.return();
    expect(source.returned).toBe(true);
  });

  it("finishes what it read when the requests end", async () => {
    const { answer, give, untilBegun } = desk();
    const answers = answerEach(numbers(1), answer, { limit: 4, signal: open });
    const first = answers.next();
    await untilBegun(1);
    await settled();
    give(1);
    expect((await first).value).toBe("answer 1");
    expect((await answers.next()).done).toBe(true);
  });

  it("answers nothing more once the signal aborts, though answers are ready and requests come", async () => {
    const { answer, give, begun } = desk();
    const cancelled = new AbortController();
    const source = numbers(100);
    const answers = answerEach(source, answer, { limit: 2, signal: cancelled.signal });
    const first = answers.next();
    await settled();
    give(1);
    give(2);
    await first;
    cancelled.abort(new Error("gone"));
    await expect(answers.next()).rejects.toThrow("gone");
    await settled();
    expect(begun).toEqual([1, 2]);
    expect(source.returned).toBe(true);
    expect((await answers.next()).done).toBe(true);
  });

  it("wakes for the signal also while it waits for an answer", async () => {
    const cancelled = new AbortController();
    const answers = answerEach(numbers(1), desk().answer, { limit: 2, signal: cancelled.signal });
    const first = answers.next();
    await settled();
    cancelled.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
  });

  it("begins nothing that arrives after the signal", async () => {
    const late = Promise.withResolvers<number>();
    async function* requests() {
      yield await late.promise;
    }
    const cancelled = new AbortController();
    const { answer, begun } = desk();
    const first = answerEach(requests(), answer, { limit: 2, signal: cancelled.signal }).next();
    await settled();
    cancelled.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    late.resolve(1);
    await settled();
    expect(begun).toEqual([]);
  });

  it("finishes what it read before it tells that reading failed", async () => {
    async function* torn() {
      yield 1;
      throw new Error("torn");
    }
    const { answer, give, untilBegun } = desk();
    const answers = answerEach(torn(), answer, { limit: 4, signal: open });
    const first = answers.next();
    await untilBegun(1);
    await settled();
    give(1);
    expect((await first).value).toBe("answer 1");
    await expect(answers.next()).rejects.toThrow("torn");
  });

  it("ends with the error of an answer that can't be given, after the others", async () => {
    const { answer, give, fail, untilBegun } = desk();
    const answers = answerEach(numbers(2), answer, { limit: 4, signal: open });
    const first = answers.next();
    await untilBegun(2);
    fail(1, new Error("bug"));
    give(2);
    expect((await first).value).toBe("answer 2");
    await expect(answers.next()).rejects.toThrow("bug");
  });
});
