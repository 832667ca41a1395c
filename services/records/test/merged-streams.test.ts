import { describe, expect, test } from "vitest";
import { mergedStreams } from "../src/model/merged-streams.ts";

async function* from<T>(items: readonly T[], taken: T[] = []): AsyncGenerator<T> {
  for (const item of items) {
    taken.push(item);
    yield item;
  }
}

const byNumber = (a: string, b: string) => Number.parseInt(a, 10) - Number.parseInt(b, 10);

describe("several streams in one order", () => {
  test("come as one, of equals that of the earlier stream first", async () => {
    const streams = [from(["1a", "4a", "4A"]), from<string>([]), from(["0c", "1c", "4c", "9c"])];
    expect(await Array.fromAsync(mergedStreams(streams, byNumber))).toEqual([
      ...["0c", "1a", "1c", "4a", "4A", "4c", "9c"],
    ]);
  });

  test("are read one item ahead, and no further than what is asked for", async () => {
    const [first, second]: [string[], string[]] = [[], []];
    const merged = mergedStreams([from(["1", "3", "5"], first), from(["2", "4"], second)], byNumber);
    expect((await merged.next()).value).toBe("1");
    expect((await merged.next()).value).toBe("2");
    expect([first, second]).toEqual([["1", "3"], ["2"]]);
  });
});
