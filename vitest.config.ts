import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Vitest begins with the largest files. The one that takes longest is small, and would run last and alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.endsWith("/test/chaos/chaos.it.test.ts");
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  test: {
    include: ["{packages,services}/*/test/**/*.test.ts", "{standalone,cli,demo,test}/**/*.test.ts"],
    testTimeout: 20_000,
    // Vitest would leave a core idle; many tests wait for processes of their own.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./count-reporter.ts"],
  },
});
