import type { Coding } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useState } from "preact/hooks";
import { organizationsOf } from "../api/organizations.ts";
import { usePlace } from "../context.ts";
import { Waited } from "../parts/notice.tsx";
import { Chart, stageOrder } from "./chart.tsx";
import { Figures } from "./figures.tsx";
import type { Kind } from "./kinds.ts";
import { type SourceLines, unitsApart } from "./lines.ts";
import type { Period } from "./period.ts";
import { linesOf } from "./series.ts";
import { unitName, useSummary } from "./summary-text.ts";

/** What was measured in a period: a sentence, a picture, and a table. */
export function ChartCard(props: { readonly code: Coding; readonly kind: Kind; readonly period: Period }) {
  const { code, kind, period } = props;
  const { words, record } = usePlace();
  const loaded = useLoaded(
    async (signal) => {
      const sources = await linesOf(record, code, kind, period, signal);
      const organizations = await organizationsOf(
        record.connection,
        sources.map(({ source }) => source.organization),
      );
      return { sources, organizations };
    },
    [record, code, period.kind, period.start],
  );
  const [chosen, setChosen] = useState("");
  return (
    <Waited loaded={loaded}>
      {({ sources, organizations }) => {
        const shown = sources.find(({ key }) => key === chosen) ?? sources[0];
        if (shown === undefined) return <p class="quiet chart-empty">{words.data.noneInPeriod}</p>;
        const units = unitsApart(sources, (unit) => unitName(words.data, unit));
        const names = sources.map(({ source }, at) => {
          const device = source.deviceModel || words.data.noDevice;
          const sender = organizations.get(source.organization)?.name ?? words.common.unknownOrganization;
          const name = words.data.sourceText(device, sender);
          return units[at] === undefined ? name : words.data.inUnit(name, units[at]);
        });
        return (
          <>
            {sources.length > 1 && (
              <div class="field">
                <label for="source">{words.data.source}</label>
                <select
                  id="source"
                  value={shown.key}
                  onChange={(event) => setChosen(event.currentTarget.value)}
                >
                  {sources.map(({ key }, at) => (
                    <option key={key} value={key}>
                      {names[at]}
                    </option>
                  ))}
                </select>
              </div>
            )}
            <Drawn kind={kind} period={period} source={shown} />
          </>
        );
      }}
    </Waited>
  );
}

function Drawn({
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
