import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";

/** Of a run: more than these are no bad moment of the machine. */
const mostSecondTries = 2;

/**
 * Closes the run with a line for each test that failed, or that passed at its second try (vitest.config.ts says when there is one), and with
 * the one line that CI reads: "N passed, N failed, N skipped". Whoever sees only the end of a run knows which tests to run again.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<SerializedError>): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    const lines = errors.map(({ message }) => `FAILED outside a test: ${firstLine(message)}`);
    for (const module of modules) {
      let failed = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state] += 1;
        if (state === "failed") failed += 1;
        const line = lineOf(test);
        if (line !== undefined) lines.push(`${line} (${module.relativeModuleId})`);
      }
      // A module that throws while it is imported has no failed test, yet it failed.
      if (module.state() === "failed" && failed === 0) {
        count.failed += 1;
        lines.push(
          `FAILED before its tests: ${firstLine(module.errors()[0]?.message)} (${module.relativeModuleId})`,
        );
      }
    }
    const secondTries = lines.filter((line) => line.startsWith(secondTry)).length;
    if (secondTries > mostSecondTries) {
      count.failed += 1;
      lines.push(`FAILED: ${secondTries} tests needed a second try, at most ${mostSecondTries} may`);
      process.exitCode = 1;
    }
    const skipped = count.skipped + count.pending;
    lines.push(`${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    process.stdout.write(`${lines.join("\n")}\n`);
  }
}

const secondTry = "PASSED AT THE SECOND TRY";

function lineOf(test: TestCase): string | undefined {
  const { state, errors } = test.result();
  if (state === "failed") return `FAILED ${test.fullName}: ${firstLine(errors[0]?.message)}`;
  if (test.diagnostic()?.flaky !== true) return undefined;
  const ours = errors?.[0]?.stack?.split("\n").filter((line) => !line.includes("node_modules"));
  return `${secondTry} ${test.fullName}: ${ours?.join("\n") ?? firstLine(errors?.[0]?.message)}`;
}

function firstLine(message = ""): string {
  return message.split("\n", 1)[0] ?? "";
}
