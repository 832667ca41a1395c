import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore, type Store } from "@wellapi/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codesCollections } from "../src/collections.ts";
import { createReleaseCatalog } from "../src/releases/release-catalog.ts";
import { createReleaseRepository, type ReleaseRepository } from "../src/releases/release-repository.ts";

const url = "http://example.org/cs";

describe("releases in the store", () => {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-codes-"));
  let store: Store;
  let releases: ReleaseRepository;
  let ids = 0;

  beforeAll(async () => {
    store = await openSqliteStore({
      thread: "callers",
      path: join(folder, "codes.db"),
      collections: codesCollections,
    });
    releases = createReleaseRepository(store);
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const commit: Store["commit"] = (change) => store.commit(change);
  const begin = (version: string, kind: "code_system" | "value_set" = "code_system") =>
    releases.begin({ id: `rel_${ids++}`, kind, url, version, title: "", created: ids }, commit);
  const codes = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({
      system: url,
      code: String(from + i).padStart(4, "0"),
      display: `Name ${from + i}`,
      inactive: false,
    }));
  const catalog = () => createReleaseCatalog(store, releases);

  test("keep each concept once, whoever sends it again and however many send at once", async () => {
    const { id } = await begin("1");
    const sendings = [codes(0, 300), codes(0, 300), codes(0, 200)].map((batch) => releases.add(id, 0, batch));
    await Promise.all(sendings);
    await releases.add(id, 250, codes(250, 400));
    await expect(releases.add(id, 401, codes(401, 402))).rejects.toMatchObject({ code: "concepts_missing" });
    // A code that stands twice in a file is one code, and two places.
    const twice = await releases.add(id, 400, codes(399, 401));
    expect([twice.sent, twice.codes]).toEqual([402, 401]);
    await releases.activate(id, 402, 1, commit);
    const set = (await catalog().valueSet(`${url}?fhir_vs`, ""))!;
    const { codes: listed, total } = await set.page({ filter: "", offset: 0, limit: 1_000 });
    expect([listed.length, total, new Set(listed.map(({ code }) => code)).size]).toEqual([401, 401, 401]);
  });

  test("answer from the version that was activated last, or from the one that is named", async () => {
    for (const [version, at] of [
      ["3", 20],
      ["2", 30],
    ] as const) {
      const { id } = await begin(version);
      await releases.add(id, 0, [{ ...codes(0, 1)[0]!, display: `of ${version}` }]);
      await releases.activate(id, 1, at, commit);
    }
    const display = async (version: string) =>
      (await (await catalog().codeSystem(url, version))!.find("0000"))?.display;
    expect([await display(""), await display("3"), await display("1")]).toEqual(["of 2", "of 3", "Name 0"]);
    expect(await catalog().codeSystem(url, "9")).toBeUndefined();
  });

  test("page through what a filter finds, each once, by code and by name", async () => {
    const set = (await catalog().valueSet(`${url}?fhir_vs`, "1"))!;
    const found: string[] = [];
    for (let offset = 0; ; offset += 7) {
      const page = await set.page({ filter: "name 1", offset, limit: 7 });
      found.push(...page.codes.map(({ code }) => code));
      if (page.codes.length < 7) break;
    }
    // 1, 10 to 19, 100 to 199
    expect([found.length, new Set(found).size]).toEqual([111, 111]);
    const byCode = await set.page({ filter: "001", offset: 0, limit: 20 });
    expect(byCode.codes.map(({ code }) => code)).toEqual(codes(10, 20).map(({ code }) => code));
  });

  test("tell of a value set's code without a system, unless several systems have it", async () => {
    const { id } = await begin("1", "value_set");
    const one = { code: "a", display: "A", inactive: false };
    await releases.add(id, 0, [
      { ...one, system: "s1" },
      { ...one, system: "s2" },
      { ...one, code: "b", system: "s2" },
    ]);
    await releases.activate(id, 3, 1, commit);
    const set = (await catalog().valueSet(url, ""))!;
    expect(await set.find("", "a")).toBe("several");
    expect(await set.find("", "b")).toMatchObject({ system: "s2" });
    expect(await set.find("s1", "b")).toBeUndefined();
  });
});
