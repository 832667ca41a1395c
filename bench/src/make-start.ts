import { fileURLToPath } from "node:url";

/** What `make start` sets for the process (Makefile). */
export const makeStart = {
  NODE_OPTIONS: "--max-semi-space-size=16",
  MALLOC_ARENA_MAX: "2",
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../node_modules/.cache/node", import.meta.url)),
};
