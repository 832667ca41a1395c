import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,services}/*/test/**/*.test.ts", "{standalone,cli,demo,test}/**/*.test.ts"],
    testTimeout: 20_000,
    reporters: ["default", "./count-reporter.ts"],
  },
});
