import type { Announcement } from "@wellapi/demo/server";
import { beforeAll, expect, test } from "vitest";
import { sharedExchange } from "../shared-exchange.ts";
import { ends } from "./ends.ts";
import { openScene, runRound } from "./run.ts";

// `make after-revocation` has 100,000 of them.
let server: Announcement;
let scene: Awaited<ReturnType<typeof openScene>>;
beforeAll(async () => {
  server = sharedExchange();
  scene = await openScene(server);
});

test.each(Object.keys(ends))("once %s, no read of any kind that begins gets anything", async (end) => {
  const { before, ended } = await runRound(scene, end, 1);
  expect(before).toBeGreaterThan(0);
  expect(ended.filter(({ leaked }) => leaked > 0)).toEqual([]);
  expect(ended.every(({ after }) => after > 0)).toBe(true);
});
