import type { Outcome } from "./drill.ts";

/** Markdown: one row a fault, how often it happened, recovery in seconds, problems. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const byName = Map.groupBy(outcomes, ({ fault }) => fault.name);
  const rows = [...byName].map(([name, of]) => {
    const times = of.map(({ recovery }) => recovery.provedMs).sort((a, b) => a - b);
    const problems = of.filter((outcome) => outcome.problems.length > 0).length;
    const median = times[Math.floor((times.length - 1) / 2)]!;
    return `| ${name} | ${of.length} | ${seconds(median)} | ${seconds(times.at(-1)!)} | ${problems || "none"} |`;
  });
  return ["| fault | times | median | longest | problems |", "|---|--:|--:|--:|---|", ...rows].join("\n");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
