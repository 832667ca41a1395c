import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,services}/*/test/**/*.test.ts", "{standalone,cli,demo,test}/**/*.test.ts"],
    testTimeout: 20_000,
    // Vitest would leave a core idle; many tests wait for processes of their own.
    maxWorkers: 2,
    reporters: ["default", "./count-reporter.ts"],
  },
});
