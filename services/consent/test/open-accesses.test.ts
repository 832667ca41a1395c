import { createTrueTimes } from "@wellapi/service";
import { expect, test } from "vitest";
import { emergencyMs } from "../src/emergency/emergency.ts";
import type { KeptEmergency } from "../src/emergency/emergency-repository.ts";
import { createOpenAccesses } from "../src/emergency/open-accesses.ts";
import { ConsentError } from "../src/errors.ts";

const now = Date.UTC(2026, 3, 12, 8);
const clock = { now: () => now, monotonic: () => 0 };

/** Open for so many minutes, of one patient each. */
function kept(id: string, minutes: number): KeptEmergency {
  const createTime = now - minutes * 60_000;
  const opened = {
    createTime,
    expireTime: createTime + emergencyMs,
    reason: "",
    means: "known_patient" as const,
  };
  return {
    partition: `local/${id}`,
    access: { id, organization: "org_clinic", clinician: "usr_doctor", ...opened },
  };
}

/** Newest first, in pages of two. */
function listed(all: readonly KeptEmergency[]) {
  const pages: number[] = [];
  return {
    pages,
    async list(_holder: unknown, { cursor = "0" }: { readonly cursor: string | undefined }) {
      const from = Number(cursor);
      pages.push(from);
      const next = from + 2;
      return { accesses: all.slice(from, next), ...(next < all.length && { cursor: String(next) }) };
    },
  };
}

test("one that cannot be ended keeps none of the others open, and is said in the end", async () => {
  const emergencies = listed([kept("emg_1", 1), kept("emg_2", 2), kept("emg_3", 3)]);
  const ended = new Set<string>();
  let reachable = false;
  const emergencyChanges = {
    async end(one: KeptEmergency) {
      if (one.access.id === "emg_2" && !reachable) throw new ConsentError("unavailable");
      const changed = !ended.has(one.access.id);
      ended.add(one.access.id);
      return { kept: one, changed };
    },
  };
  const open = createOpenAccesses({ emergencies, emergencyChanges, clock, times: createTrueTimes(clock) });
  let commits = 0;
  const entries = { leafAbout: () => () => ({}) as never, committed: () => void commits++ };
  const end = () =>
    open.end({ organization: "org_clinic" }, { kind: "operator", id: "usr_officer" }, entries);
  await expect(end()).rejects.toMatchObject({ code: "unavailable" });
  expect([...ended].sort()).toEqual(["emg_1", "emg_3"]);
  expect(commits).toBe(2);
  reachable = true;
  expect(await end()).toBe(1);
});

test("nothing is looked for behind the first whose hour is over", async () => {
  const old = Array.from({ length: 20 }, (_, i) => kept(`emg_old${i}`, 60 + i));
  const emergencies = listed([kept("emg_1", 1), ...old]);
  const emergencyChanges = { end: async (one: KeptEmergency) => ({ kept: one, changed: true }) };
  const open = createOpenAccesses({ emergencies, emergencyChanges, clock, times: createTrueTimes(clock) });
  const entries = { leafAbout: () => () => ({}) as never, committed() {} };
  expect(await open.end({ clinician: "usr_doctor" }, { kind: "operator", id: "usr_officer" }, entries)).toBe(
    1,
  );
  expect(emergencies.pages).toEqual([0]);
});
