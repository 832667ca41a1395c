import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { type AnswerPlace, type AnswerPlaces, createAnswerPlaces, type Turn } from "../src/answer-places.ts";

/** Places that were asked for, and what became of each. */
function ask(places: AnswerPlaces, caller: string, count: number) {
  return Array.from({ length: count }, () => {
    const place = places.open(caller);
    const asked: { place: AnswerPlace; was?: Turn } = { place };
    void place.enter().then((was) => {
      asked.was = was;
    });
    return asked;
  });
}

/** What became of those that were asked for, once everything that had to happen at once has happened. */
async function outcomes(asked: readonly { was?: string }[]): Promise<readonly (string | undefined)[]> {
  await setImmediate();
  return asked.map(({ was }) => was);
}

test("a caller's answers beyond its places wait, the longest first, and nobody waits for another caller's", async () => {
  const places = createAnswerPlaces({ perCaller: 2 });
  const asked = ask(places, "app_1", 4);
  const other = ask(places, "app_2", 2);
  expect(await outcomes([...asked, ...other])).toEqual([
    "next",
    "next",
    undefined,
    undefined,
    "next",
    "next",
  ]);
  asked[1]!.place.leave();
  asked[1]!.place.leave(); // It had one.
  expect(await outcomes(asked)).toEqual(["next", "next", "next", undefined]);
});

test("an answer that waits too long is late; one that is over while it waits gets no place later", async () => {
  const places = createAnswerPlaces({ perCaller: 1, waitMs: 50 });
  const [first, over, late] = ask(places, "app_1", 3);
  over!.place.leave();
  await expect.poll(() => late!.was, { timeout: 15_000 }).toBe("late");
  expect(over!.was).toBe("next"); // It is told to go on, which finds that it is over.
  first!.place.leave();
  expect(await outcomes(ask(places, "app_1", 1))).toEqual(["next"]);
});

test("where all callers leave very much unread, each has a few places all the same, and what becomes free goes round", async () => {
  const places = createAnswerPlaces();
  const many = Array.from({ length: 10 }, (_, at) => ask(places, `app_${at}`, 32));
  const counts = async () =>
    Promise.all(many.map(async (one) => (await outcomes(one)).filter((was) => was === "next").length));
  const whole = Array<number>(8).fill(32);
  expect(await counts()).toEqual([...whole, 8, 8]);
  // What those leave who hold it, beyond the 256 of all, becomes nobody's.
  for (const { place } of many[0]!.slice(0, 16)) place.leave();
  expect(await counts()).toEqual([...whole, 8, 8]);
  for (const { place } of many[0]!.slice(16, 20)) place.leave();
  expect(await counts()).toEqual([...whole, 10, 10]);
});

test("many places of a caller are a crowd, and many of all callers", async () => {
  const places = createAnswerPlaces({ usual: 2 });
  const [own] = ask(places, "app_1", 2);
  expect(own!.place.isCrowded()).toBe(false);
  const [third] = ask(places, "app_1", 1);
  expect(own!.place.isCrowded()).toBe(true);
  third!.place.leave();
  expect(own!.place.isCrowded()).toBe(false);
  ask(places, "app_2", 32);
  ask(places, "app_3", 31);
  expect(own!.place.isCrowded()).toBe(true);
});
