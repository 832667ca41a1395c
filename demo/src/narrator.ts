import { MultiBar, Presets } from "cli-progress";

/** Tells the story, and remembers whether all of it held. */
export interface Narrator {
  chapter(title: string): void;
  say(text: string): void;
  /** A claim that must hold. */
  hold(claim: string, holds: boolean): void;
  /** A refusal that must come, with this reason. */
  refused(claim: string, reason: string, attempt: () => Promise<unknown>): Promise<void>;
  /** Progress bars; none where the output is no terminal. */
  bars(): MultiBar | undefined;
  readonly failures: readonly string[];
  readonly held: number;
}

/** `reasonOf` finds a refusal's reason in an error. */
export function createNarrator(reasonOf: (error: unknown) => string): Narrator {
  const failures: string[] = [];
  let held = 0;
  const line = (text: string) => process.stdout.write(`${text}\n`);
  const hold = (claim: string, holds: boolean) => {
    line(`  ${holds ? "✓" : "✗"} ${claim}`);
    if (holds) held += 1;
    else failures.push(claim);
  };
  return {
    chapter: (title) => line(`\n${title}`),
    say: (text) => line(`  ${text}`),
    hold,
    async refused(claim, reason, attempt) {
      let found = "nothing refused it";
      try {
        await attempt();
      } catch (error) {
        found = reasonOf(error);
      }
      hold(
        found === reason ? `${claim}: ${reason}` : `${claim}: expected ${reason}, got ${found}`,
        found === reason,
      );
    },
    bars: () =>
      process.stdout.isTTY
        ? new MultiBar(
            { format: "  {bar} {value}/{total} samples  {name}", hideCursor: true },
            Presets.shades_classic,
          )
        : undefined,
    failures,
    get held() {
      return held;
    },
  };
}

const levels = "▁▂▃▄▅▆▇█";

/** A line of small bars, one a value; a gap where there is none. */
export function sparkline(values: ReadonlyArray<number | undefined>): string {
  const known = values.filter((value) => value !== undefined);
  const low = Math.min(...known);
  const range = Math.max(...known) - low || 1;
  return values
    .map((value) =>
      value === undefined ? " " : levels[Math.round(((value - low) / range) * (levels.length - 1))],
    )
    .join("");
}
