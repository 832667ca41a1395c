import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Store } from "../src/index.ts";
import { note } from "./notes.ts";

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const fieldName = text.filter((name) => !/^[$_]|\0/.test(name) && !["partition", "id"].includes(name));
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, Number.MIN_VALUE),
);
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => new Uint8Array(array));
const leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.date({ noInvalidDate: true }), bytes);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fieldName, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
/** Fields of the contract's indexes take index values only. */
const indexed = ["email", "slot", "tag", "rank"];
const fields = fc.dictionary(
  fieldName.filter((name) => !indexed.includes(name)),
  value,
  { maxKeys: 5, noNullPrototype: true },
);

export function describeRoundTrips(current: () => Store): void {
  const store = async (document: ReturnType<typeof note>) => {
    const changes = [{ kind: "insert" as const, collection: "note", document }];
    await current().commit({ partition: document.partition, changes });
    return (await current().get("note", [document.partition, String(document.id)]))?.document;
  };

  describe("documents", () => {
    test("come back exactly as they went in", async () => {
      let run = 0;
      const property = fc.asyncProperty(fields, async (content) => {
        run += 1;
        const document = note(`n${run}`, content);
        expect(await store(document)).toStrictEqual(document);
      });
      await fc.assert(property, { numRuns: 100 });
    });

    test("lose undefined fields and nothing else, and bytes come back as a Uint8Array of their own", async () => {
      const pooled = Buffer.from("pooled");
      const document = note("a", { none: undefined, nested: { none: undefined, kept: 1 }, pooled });
      const stored = await store(document);
      expect(stored).toStrictEqual(note("a", { nested: { kept: 1 }, pooled: new Uint8Array(pooled) }));
      const back = stored?.pooled as Uint8Array;
      expect(back.buffer.byteLength).toBe(back.byteLength);
      expect(pooled.toString()).toBe("pooled");
    });

    test("of a few megabytes keep their bytes, and the caller keeps its own", async () => {
      const large = new Uint8Array(3_000_000).map((_, i) => i % 251);
      const copy = Buffer.from(large);
      const view = new Uint8Array(large.buffer, 10, 2_000_000);
      expect(copy.equals((await store(note("a", { large })))?.large as Uint8Array)).toBe(true);
      expect(
        copy.subarray(10, 2_000_010).equals((await store(note("b", { view })))?.view as Uint8Array),
      ).toBe(true);
      expect(copy.equals(large)).toBe(true);
    });

    test("with values that would not come back are refused, without a word of their content", async () => {
      const refused = {
        NaN: Number.NaN,
        infinity: Number.POSITIVE_INFINITY,
        bigint: 1n,
        function: () => 1,
        date: new Date(Number.NaN),
        map: new Map(),
        floats: new Float64Array(1),
        surrogate: "\ud800",
        operator: { $set: 1 },
        claim: { _bsontype: "ObjectId" },
        hole: [undefined],
        large: new Uint8Array(16 * 1024 * 1024),
      };
      for (const [name, content] of Object.entries(refused)) {
        const storing = store(note("secret-id", { nested: { list: [content] } }));
        const error = await storing.then(
          () => `${name} was stored`,
          (reason: unknown) => reason,
        );
        expect(error, name).toMatchObject({ name: "StoreError", code: "invalid" });
        expect(String(error)).not.toContain("secret-id");
      }
    });
  });
}
