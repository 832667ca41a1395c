import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { rooms } from "./rooms.ts";

/** Imports of workspaces, by their sources beside this file: the links in node_modules lead out of the sandbox. */
const root = new URL("..", import.meta.url);
const alias = ["packages", "services"].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, root)).flatMap((name) => {
    const home = new URL(`${folder}/${name}/`, root);
    const { name: find, exports } = JSON.parse(readFileSync(new URL("package.json", home), "utf8"));
    return Object.entries<string>(exports).map(([path, file]) => ({
      find: new RegExp(`^${find}${path.slice(1)}$`),
      replacement: new URL(file, home).pathname,
    }));
  }),
);

const room = rooms[process.env.WELLAPI_ROOM ?? "merkle"];

export default defineConfig({
  root: root.pathname,
  resolve: { alias },
  test: {
    include: [...(room?.tests ?? [])],
    exclude: ["**/*.it.test.ts", "**/node_modules/**"],
    setupFiles: [new URL("setup.ts", import.meta.url).pathname],
    testTimeout: Number(process.env.WELLAPI_TEST_TIMEOUT_MS ?? 20_000),
    ...(room?.runs === undefined ? {} : { env: { MODEL_RUNS: String(room.runs) } }),
  },
});
