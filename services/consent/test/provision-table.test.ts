import { readFileSync } from "node:fs";
import { shippedTerminology } from "@wellapi/terminology";
import { describe, expect, it } from "vitest";
import type { Captured, Direction, Interval, Mask, Provision, Purpose, Resolution } from "../src/consent.ts";
import { decide, type Permit } from "../src/decision.ts";
import type { FromSources, Method, SourceDevice } from "../src/sources.ts";
import { consentOf, currentOf } from "./terms.ts";

const dayMs = 86_400_000;
const categories = {
  has: shippedTerminology.isInCategory,
  knows: (name: string, version: number) =>
    shippedTerminology.isCategory(name) && version === shippedTerminology.currentVersion(name),
};

/** The rows of docs/contracts.md that begin with a provision: what is said, asked and got. */
const rows = readFileSync(new URL("../../../docs/contracts.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => /^\| `(permit|deny)/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()) as [string, string, string, string]);

const provisionText =
  /^(\w+) ([\w+]+) ([\w,]+)(?: for ([\w,]+))?(?: (raw|hourly|daily))?(?: from ([\w,:]+)(?: as ([\w,-]+))?)?(?: without ([\w,]+))?(?: captured (?:in the last (\d+) days|(\S+)))?$/;

function provisionOf(text: string): Provision {
  const parts = provisionText.exec(text);
  if (parts === null) throw new Error(`"${text}" is no provision`);
  const [, effect, directions, names, purposes = "", resolution, sources, ways, left, days, within = ".."] =
    parts;
  const captured: Captured = days === undefined ? intervalOf(within) : { lastMs: Number(days) * dayMs };
  return {
    effect: effect as Provision["effect"],
    directions: directions!.split("+") as Direction[],
    categories: names!.split(",").map((name) => ({ name, version: 1 })),
    purposes: purposes.split(",").filter(Boolean) as Purpose[],
    ...(resolution === undefined ? {} : { resolution: resolution as Resolution }),
    captured,
    ...(sources && { sources: sourcesOf(sources.split(","), ways) }),
    ...(left && { masks: left.split(",") as Mask[] }),
    regions: [],
  };
}

/** Organizations, and devices as `org_...:dev_...`, or everybody; and the ways in which it came about. */
function sourcesOf(named: readonly string[], ways: string | undefined): FromSources {
  const devices = named.flatMap((one) => {
    const [organization, device] = one.split(":");
    return device === undefined ? [] : [{ organization: organization!, device }];
  });
  const organizations = named.filter((one) => !one.includes(":") && one !== "everybody");
  const methods = ways?.replaceAll("-", "_").split(",") as Method[] | undefined;
  return { organizations, ...(devices.length > 0 && { devices }), ...(methods && { methods }) };
}

/** `2026-03-01..2026-04-01`, either of which may be left out. */
function intervalOf(text: string): Interval {
  const [start, end] = text.split("..");
  return { ...(start ? { start: Date.parse(start) } : {}), ...(end ? { end: Date.parse(end) } : {}) };
}

function textOf({ resolution, sources, masks, captured: { start, end, lastMs } }: Permit): string {
  const day = (time: number | undefined) =>
    time === undefined ? "" : new Date(time).toISOString().slice(0, 10);
  // A window that slides holds nothing of before it began: that goes without saying.
  const stands = start !== undefined && start > -(lastMs ?? 0) ? start : undefined;
  const within = stands === undefined && end === undefined ? undefined : `${day(stands)}..${day(end)}`;
  const last = lastMs === undefined ? undefined : `the last ${lastMs / dayMs} days`;
  const keys = (devices: readonly SourceDevice[] = []) =>
    devices.map(({ organization, device }) => `${organization}:${device}`);
  const whose = sources && [
    ...("only" in sources
      ? ["from", ...sources.only, ...keys(sources.also)]
      : ["not from", ...sources.except, ...keys(sources.without)]),
    ...("only" in sources && sources.without ? ["but", ...keys(sources.without)] : []),
  ];
  const ways = [
    ...(sources?.onlyMethods ? ["as", ...sources.onlyMethods] : []),
    ...(sources?.exceptMethods ? ["not as", ...sources.exceptMethods] : []),
  ];
  return (
    [resolution, ...[last, within].filter(Boolean)].join(" of ") +
    (last || within ? "" : " of all times") +
    (ways.length === 0 ? "" : ` ${ways.join(" ").replaceAll("_", "-")}`) +
    (whose === undefined || whose.length === 1 ? "" : ` ${whose.join(" ")}`) +
    (masks === undefined ? "" : ` without ${masks.join(" and ")}`)
  );
}

describe("the table of docs/contracts.md", () => {
  it("has rows", () => expect(rows.length).toBeGreaterThan(15));

  it.each(rows.map(([, said, asked, got]) => [said, asked, got] as const))(
    "%s, %s: %s",
    (said, asked, got) => {
      const provisions = [...said.matchAll(/`([^`]+)`/g)].map(([, text]) => provisionOf(text!));
      const [, direction, code, purpose] = /^`(\w+) (\S+?)(?: for (\w+))?`$/.exec(asked)!;
      const decision = decide(
        // Whether they stand in one consent or in several makes no difference.
        currentOf(...provisions.map((provision, i) => consentOf([provision], {}, `con_${i}`))),
        {
          partition: "local/pat_1",
          organization: "org_clinic",
          direction: direction as Direction,
          code: code!,
          purpose: purpose as Purpose | undefined,
          region: "local",
        },
        Date.UTC(2026, 5, 1),
        categories,
      );
      const told = decision.permitted
        ? decision.permits.map(textOf).join(", ")
        : `nothing: ${decision.reason}`;
      expect(told).toBe(got);
    },
  );
});
