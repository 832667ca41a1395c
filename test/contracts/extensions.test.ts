import { createHash } from "node:crypto";
import type { DescExtension } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { contractFiles, publicFiles } from "./descriptors.ts";

/** docs/decisions/0023-extension-numbers.md */
function numberOf({ typeName }: DescExtension): number {
  return Number.parseInt(createHash("sha256").update(typeName).digest("hex").slice(0, 7), 16);
}

test("every extension of ours has the number that its name gives, outside of the ranges that others use", async () => {
  const extensions = (await contractFiles()).flatMap((file) => file.extensions);
  expect(extensions.map(({ name }) => name).sort()).toEqual([
    "destructive",
    "field_deprecation",
    "max_request_bytes",
    "method_callers",
    "method_deprecation",
    "service_callers",
    "service_deprecation",
  ]);
  for (const extension of extensions) {
    expect(extension.number, extension.typeName).toBe(numberOf(extension));
    expect(extension.number).toBeGreaterThanOrEqual(100_000);
  }
});

test("no public contract imports an internal one", async () => {
  const files = await publicFiles();
  expect(files.length).toBeGreaterThan(10);
  const imports = files.flatMap((file) => file.proto.dependency);
  expect(imports.filter((path) => path.startsWith("wellapi/internal/"))).toEqual([]);
});
