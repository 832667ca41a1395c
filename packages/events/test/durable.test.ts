import { expect, test } from "vitest";
import { createDurableDelivery } from "../src/jetstream/durable.ts";
import type { Delivery } from "../src/jetstream/pull.ts";
import { event } from "./contract.ts";

/**
 * A durable that closes while events arrive for it. The real server works through what is given back beside the
 * request that passes the durable on, and lets this overtake it once in some fifty times.
 */
async function closeWhileTaking() {
  const said: string[] = [];
  const taking = Promise.withResolvers<Delivery[]>();
  const answers = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const asked = Promise.withResolvers<void>();
  const deliveries = answers.map(({ promise }, i): Delivery => {
    const unexpected = () => expect.unreachable("the event is given back, not answered");
    return {
      event: event(`e${i}`),
      sequence: i,
      attempt: 1,
      settle: unexpected,
      settleLater: unexpected,
      retryAfter: unexpected,
      renew: unexpected,
      giveBack() {
        said.push(`e${i} goes back`);
        if (i === 2) asked.resolve();
        return promise;
      },
    };
  });
  const delivery = createDurableDelivery({
    durable: "all",
    puller: {
      take: () => taking.promise,
      interrupt: async () => taking.resolve(deliveries),
      giveBack: async () => void said.push("late ones go back"),
      keepPin: () => undefined,
      pinned: true,
      close: () => undefined,
    },
    deadLetters: { add: () => expect.unreachable("nothing failed") },
    unpin: async () => void said.push("passed on"),
    onError: (error) => said.push(String(error)),
  });
  const consumer = delivery.join({
    durable: "all",
    subjects: ["a.>"],
    handle: () => expect.unreachable("a closed consumer gets nothing"),
  });
  const closed = consumer.close();
  await asked.promise;
  return { said, answers, closed };
}

const back = ["e0 goes back", "e1 goes back", "e2 goes back"];

test("a durable passes on once the server has every event that was given back, in their order", async () => {
  const { said, answers, closed } = await closeWhileTaking();
  answers[0]!.resolve();
  answers[2]!.resolve();
  await new Promise(setImmediate);
  expect(said).toEqual(back);
  answers[1]!.resolve();
  await closed;
  expect(said).toEqual([...back, "late ones go back", "passed on"]);
});

test("it does not pass on where the server's word is missing: the events come back before the server passes it on", async () => {
  const { said, answers, closed } = await closeWhileTaking();
  answers[0]!.resolve();
  answers[2]!.resolve();
  answers[1]!.reject(new Error("no answer"));
  await closed;
  expect(said).toEqual([...back, "Error: no answer"]);
});
