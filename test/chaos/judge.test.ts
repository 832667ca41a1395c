import { describe, expect, test } from "vitest";
import { type Entry, judgeDelivered, judgeEntries, judgeStored } from "./judge.ts";

// What the drills look for, planted by hand: a check that cannot fail proves nothing.

const acks = [{ number: 1 }, { number: 2 }, { number: 3 }];
const blocks = acks.map(({ number }) => ({ number, batch: `bat_${number}`, intact: true }));
const [first, second, third] = blocks as [Block, Block, Block];
type Block = (typeof blocks)[number];
const sent = new Set([1, 2, 3, 9]);

describe("what is stored", () => {
  test("everything acked, and a batch whose answer was lost, are fine", () => {
    expect(judgeStored(acks, sent, blocks)).toEqual([]);
    expect(judgeStored(acks, sent, [...blocks, { number: 9, batch: "bat_9", intact: true }])).toEqual([]);
  });

  test.each<[string, Block[], RegExp]>([
    ["a lost ack", [first, third], /batch 2 was acked and is lost/],
    ["a duplicate", [...blocks, { ...second, batch: "bat_4" }], /batch 2 is stored twice/],
    ["a token given twice", [first, second, { ...third, batch: "bat_2" }], /batches 2 and 3 have one token/],
    ["half a batch", [first, { ...second, intact: false }, third], /batch 2 is not what was sent/],
    [
      "a stranger's batch",
      [...blocks, { number: 7, batch: "bat_7", intact: true }],
      /batch 7 was never sent/,
    ],
  ])("%s shows", (_name, found, problem) => {
    expect(judgeStored(acks, sent, found).join("\n")).toMatch(problem);
  });
});

describe("what a watch brings", () => {
  test("a repetition around a cut is fine", () => {
    expect(judgeDelivered(acks, [first, second, second, third], blocks)).toEqual([]);
    expect(judgeDelivered(acks, [third, first, second], [third, first, second])).toEqual([]);
  });

  test.each<[string, Block[], RegExp]>([
    ["a batch that never came", [first, third], /batch 2 was acked and never delivered/],
    ["two in the wrong order", [first, third, second], /batch 2 was delivered after what was stored later/],
    ["a damaged batch", [first, { ...second, intact: false }, third], /batch 2 was delivered damaged/],
  ])("%s shows", (_name, delivered, problem) => {
    expect(judgeDelivered(acks, delivered, blocks).join("\n")).toMatch(problem);
  });
});

describe("the log's entries", () => {
  const entries: Entry[] = acks.map(({ number }) => ({
    id: `acc_${number}`,
    index: number,
    number,
    items: 20,
  }));
  const [one, ...others] = entries as [Entry, ...Entry[]];

  test("an entry for each, and one of a resend that stored nothing, are fine", () => {
    expect(judgeEntries(acks, 20, [...entries, { ...one, id: "acc_again", index: 9, items: 0 }])).toEqual([]);
  });

  test.each<[string, Entry[], RegExp]>([
    ["a write without an entry", others, /batch 1 was acked and has 0 entries/],
    ["a write with two", [...entries, { ...one, id: "acc_again", index: 9 }], /batch 1 .* has 2 entries/],
    [
      "two entries in one place",
      [one, ...others, { ...one, id: "acc_x", items: 0 }],
      /place 1 .* two entries/,
    ],
    ["a count that is wrong", [{ ...one, items: 19 }, ...others], /the log has 19 samples of batch 1/],
    ["one that is not integrated", [{ ...one, index: -1 }, ...others], /entry of batch 1 is not integrated/],
  ])("%s shows", (_name, found, problem) => {
    expect(judgeEntries(acks, 20, found).join("\n")).toMatch(problem);
  });
});
