// Writes the bytes of cases that have none yet: `npx node packages/series/test/golden/write-missing.ts`.
import { existsSync, writeFileSync } from "node:fs";
import { encodeBlock } from "../../src/index.ts";
import { goldenColumns } from "./cases.ts";

for (const [name, columns] of Object.entries(goldenColumns)) {
  const path = new URL(`${name}.hex`, import.meta.url);
  if (!existsSync(path)) writeFileSync(path, `${Buffer.from(encodeBlock(columns)).toString("hex")}\n`);
}
