import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keepCrash, readCrashes } from "../../security/fuzz/crashes.ts";
import { fuzz, tryInput } from "../../security/fuzz/fuzz.ts";
import { assertResult, isOneOf, type OpenTarget, utf8 } from "../../security/fuzz/target.ts";
import { fuzzTargets } from "../../security/fuzz/targets.ts";

/** Fixed: what fails here fails again. `make fuzz` takes another seed each time, and more time. */
const seed = 1;

class Refused extends Error {}

/** A parser of texts that begin with `ok`, with a mistake for the next letter `X`. */
function planted(mistake: () => void): OpenTarget {
  return {
    corpus: [utf8("ok")],
    words: ["X"],
    refuses: isOneOf(Refused),
    parse(input) {
      if (input[0] !== 0x6f || input[1] !== 0x6b) throw new Refused("no text of ours");
      if (input[2] === 0x58) mistake();
    },
  };
}

/** Stands for the CPU's clock, so that no slow machine adds a finding. */
let cpu = 0;
const cpuMs = () => cpu;
function takeCpu(ms: number): void {
  cpu += ms;
}

describe("the fuzzer finds", () => {
  test.each<[string, () => void, string]>([
    ["an error of another class", () => JSON.parse("{"), "it throws SyntaxError"],
    ["a wrong result", () => assertResult(false, "wrong"), "it throws WrongResult: wrong"],
    ["an input that takes more than a second", () => takeCpu(1_001), "it takes more than 1000 ms"],
    ["an input that takes more than 64 MB", () => void hold(70), "its heap grows by more than 64 MB"],
  ])("%s", async (_, mistake, why) => {
    const { failures, refused, accepted } = await fuzz(planted(mistake), {
      seed,
      ms: 60_000,
      inputs: 300,
      cpuMs,
    });
    expect(failures.map((one) => one.why)).toEqual([expect.stringContaining(why)]);
    expect(Buffer.from(failures[0]!.input).toString("latin1")).toMatch(/^okX/);
    expect([refused > 0, accepted > 0]).toEqual([true, true]);
  });

  test("what takes the CPU for more than a second", { timeout: 600_000 }, async () => {
    // As long as it takes to get three seconds of a busy machine's CPU.
    expect(await tryInput(planted(spin), utf8("okX"), { hangMs: 180_000 })).toMatchObject({
      kind: "failed",
      why: "it takes more than 1000 ms",
    });
  });

  test("no fault in what was slow once, because the machine was", async () => {
    let pauses = [2_000, 2_000];
    const paused = planted(() => takeCpu(pauses.pop() ?? 0));
    expect(await tryInput(paused, utf8("okX"), { cpuMs })).toMatchObject({ kind: "accepted" });
    pauses = [2_000, 2_000, 2_000];
    expect(await tryInput(paused, utf8("okX"), { cpuMs })).toMatchObject({ kind: "failed" });
  });

  test("an input that never ends", async () => {
    const endless = planted(() => {
      for (;;);
    });
    const measure = { hangMs: 300 };
    expect(await tryInput(endless, utf8("okX"), measure)).toMatchObject({
      kind: "failed",
      why: "it has no end after 300 ms",
    });
  });

  test("the same with the same seed, and keeps it", async () => {
    const run = () =>
      fuzz(
        planted(() => JSON.parse("{")),
        { seed: 7, ms: 60_000, inputs: 300 },
      );
    const [first, second] = [await run(), await run()];
    expect(second.failures[0]!.input).toEqual(first.failures[0]!.input);
    const folder = mkdtempSync(join(tmpdir(), "wellapi-crashes-"));
    keepCrash("planted", first.failures[0]!.input, folder);
    expect(readCrashes("planted", folder).map(({ input }) => Buffer.from(input))).toEqual([
      Buffer.from(first.failures[0]!.input),
    ]);
    rmSync(folder, { recursive: true });
  });
});

describe.each(fuzzTargets)("$name", ({ name, open }) => {
  test("takes what the code itself has made", async () => {
    const target = await open();
    for (const input of target.corpus) {
      const text = Buffer.from(input).toString("latin1").slice(0, 200);
      expect(await tryInput(target, input), text).toMatchObject({ kind: "accepted" });
    }
  });

  test("takes or refuses what once made it fail", async () => {
    const target = await open();
    for (const { name: file, input } of readCrashes(name)) {
      expect(await tryInput(target, input), file).not.toMatchObject({ kind: "failed" });
    }
  });

  test("takes or refuses whatever comes, in a second and 64 MB", { timeout: 60_000 }, async () => {
    const { failures, inputs } = await fuzz(await open(), { seed, ms: 1_500, atLeast: 50, inputs: 50_000 });
    const told = failures.map(({ why, input }) => `${why}: ${Buffer.from(input).toString("hex")}`);
    expect(told, `seed ${seed}`).toEqual([]);
    expect(inputs).toBeGreaterThanOrEqual(50);
  });
});

const held: unknown[] = [];

function hold(megabytes: number): void {
  held.length = 0;
  held.push(new Float64Array(megabytes * 131_072));
}

function spin(): void {
  const start = process.cpuUsage();
  while (process.cpuUsage(start).user + process.cpuUsage(start).system < 1_100_000);
}
