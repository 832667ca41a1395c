import { usePlace } from "../context.ts";
import { Chart, stageOrder } from "./chart.tsx";
import { Figures } from "./figures.tsx";
import type { Kind } from "./kinds.ts";
import type { SourceLines } from "./lines.ts";
import type { Period } from "./period.ts";
import { useSummary } from "./summary-text.ts";

/** A line as a sentence, a picture, and a table. */
export function Drawn({
  kind,
  period,
  source,
}: {
  readonly kind: Kind;
  readonly period: Period;
  readonly source: SourceLines;
}) {
  const summary = useSummary(kind, period, source);
  const { words } = usePlace();
  return (
    <figure class="stack-close">
      <figcaption>{summary}</figcaption>
      <Chart kind={kind} period={period} source={source} label={summary} />
      {kind.chart === "stages" && (
        <ul class="legend" aria-hidden="true">
          {stageOrder.map((stage, at) => (
            <li key={stage}>
              <span class={`swatch stage-${at}`} />
              {words.data.stages[stage]}
            </li>
          ))}
        </ul>
      )}
      <Figures kind={kind} period={period} source={source} />
    </figure>
  );
}
