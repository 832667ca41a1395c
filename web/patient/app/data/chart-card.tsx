import type { Coding } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { useState } from "preact/hooks";
import { useLoaded } from "../api/loaded.ts";
import { organizationsOf } from "../api/organizations.ts";
import { usePlace } from "../context.ts";
import { Waited } from "../parts/notice.tsx";
import { Chart, stageOrder } from "./chart.tsx";
import { Figures } from "./figures.tsx";
import type { Kind } from "./kinds.ts";
import type { Period } from "./period.ts";
import { linesOf, type SourceLines, sourceKey } from "./series.ts";
import { useSummary } from "./summary-text.ts";

/** What was measured in a period: a sentence, a picture, and a table. */
export function ChartCard(props: { readonly code: Coding; readonly kind: Kind; readonly period: Period }) {
  const { code, kind, period } = props;
  const { words, record } = usePlace();
  const loaded = useLoaded(
    async (signal) => {
      const sources = await linesOf(record, code, kind, period, signal);
      const names = await organizationsOf(
        record.connection,
        sources.map(({ source }) => source.organization),
      );
      return { sources, names };
    },
    [record, code, period.kind, period.start],
  );
  const [chosen, setChosen] = useState("");
  return (
    <Waited loaded={loaded}>
      {({ sources, names }) => {
        const shown = sources.find(({ source }) => sourceKey(source) === chosen) ?? sources[0];
        if (shown === undefined) return <p class="quiet chart-empty">{words.data.noneInPeriod}</p>;
        const nameOf = ({ source }: SourceLines) =>
          words.data.sourceText(
            source.deviceModel || words.data.noDevice,
            names.get(source.organization)?.name ?? words.common.unknownOrganization,
          );
        return (
          <>
            {sources.length > 1 && (
              <div class="field">
                <label for="source">{words.data.source}</label>
                <select
                  id="source"
                  value={sourceKey(shown.source)}
                  onChange={(event) => setChosen(event.currentTarget.value)}
                >
                  {sources.map((one) => (
                    <option key={sourceKey(one.source)} value={sourceKey(one.source)}>
                      {nameOf(one)}
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
