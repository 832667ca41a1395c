import { Code_Kind } from "@wellapi/gen/wellapi/terminology/v1/terminology_pb";
import { problemOf } from "@wellapi/rpc";
import { shippedTerminology } from "@wellapi/terminology";
import { describe, expect, it } from "vitest";
import { openIngestion } from "./harness.ts";

describe("what can be stored", () => {
  it("is told to anybody, with unit, category and plausible range", async () => {
    const { anyone } = await openIngestion();
    const { codes } = await anyone.listCodes({ text: "heart", category: "heart" });
    expect(codes.map(({ coding }) => coding!.code)).toEqual(["8867-4", "40443-4", "80404-7"]);
    expect(codes[0]).toMatchObject({
      coding: { system: "", code: "8867-4", display: "Heart rate" },
      kind: Code_Kind.QUANTITY,
      unit: "/min",
      categories: [{ name: "heart", version: 1 }],
      plausibleRange: { low: "10", high: "600" },
    });
    const [panel] = (await anyone.listCodes({ text: "85354" })).codes;
    expect(panel!.components.map(({ coding }) => coding!.code)).toEqual(["8480-6", "8462-4"]);
    const [workout] = (await anyone.listCodes({ text: "WORK" })).codes;
    expect(workout).toMatchObject({
      kind: Code_Kind.SESSION,
      categories: [{ name: "activity", version: 2 }],
    });
    expect(workout!.segmentKinds.map(({ code }) => code)).toContain("lap");
    expect((await anyone.listCodes({ text: "eart" })).codes).toEqual([]);
    expect((await anyone.listCodes({ category: "no_such" })).codes).toEqual([]);
  });

  it("comes in pages that hold all of it once", async () => {
    const { anyone } = await openIngestion();
    const codes: string[] = [];
    let pageToken = "";
    do {
      const page = await anyone.listCodes({ pageSize: 7, pageToken });
      expect(page.codes.length).toBeLessThanOrEqual(7);
      codes.push(...page.codes.map(({ coding }) => coding!.code));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(codes).toEqual(shippedTerminology.codes.map(({ code }) => code));
  });

  it("refuses a token of another query, or of nobody", async () => {
    const { anyone } = await openIngestion();
    const { nextPageToken } = await anyone.listCodes({ pageSize: 1 });
    for (const [text, pageToken] of [
      ["heart", nextPageToken],
      ["", "nonsense"],
      ["", Buffer.from('["[\\"codes\\",\\"\\",\\"\\"]",-1]').toString("base64url")],
    ] as const) {
      const error = await anyone.listCodes({ text, pageToken }).then(
        () => undefined,
        (thrown: unknown) => problemOf(thrown as never),
      );
      expect(error).toMatchObject({ violations: [{ field: "page_token", reason: "INVALID_PAGE_TOKEN" }] });
    }
  });

  it("lists each version of each category, and which is the newest", async () => {
    const { anyone } = await openIngestion();
    const { sets, nextPageToken } = await anyone.listCategories({});
    expect(nextPageToken).toBe("");
    const activity = sets.filter(({ category }) => category!.name === "activity");
    expect(activity.map(({ category, current }) => [category!.version, current])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(activity[0]!.codes.map(({ code }) => code)).not.toContain("workout");
    expect(activity[1]!.codes.map(({ code }) => code)).toContain("workout");
  });
});
