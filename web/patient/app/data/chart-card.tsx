import type { Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Coding } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useState } from "preact/hooks";
import { type KnownOrganization, organizationsOf } from "../api/organizations.ts";
import { usePlace } from "../context.ts";
import { Waited } from "../parts/notice.tsx";
import { Drawn } from "./drawn.tsx";
import type { Kind } from "./kinds.ts";
import { type SourceLines, unitsApart } from "./lines.ts";
import { isMergeable } from "./merged.ts";
import { MergedCard } from "./merged-card.tsx";
import type { Period } from "./period.ts";
import { linesOf } from "./series.ts";
import { unitName } from "./summary-text.ts";

interface Shown {
  readonly code: Coding;
  readonly kind: Kind;
  readonly period: Period;
}

/** The choice of one line of all devices, beside the keys of sources. */
const mergedKey = "merged";

/** What was measured in a period: a sentence, a picture, and a table. */
export function ChartCard(props: Shown) {
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
      {({ sources, organizations }) =>
        sources.length === 0 ? (
          <p class="quiet chart-empty">{words.data.noneInPeriod}</p>
        ) : (
          <Sources {...props} {...{ sources, organizations, chosen }} onChosen={setChosen} />
        )
      }
    </Waited>
  );
}

function Sources(
  props: Shown & {
    /** One at least. */
    readonly sources: readonly SourceLines[];
    readonly organizations: ReadonlyMap<string, KnownOrganization>;
    readonly chosen: string;
    readonly onChosen: (key: string) => void;
  },
) {
  const { code, kind, period, sources, organizations, chosen, onChosen } = props;
  const { words } = usePlace();
  const { data } = words;
  const nameOf = (source: Source): string => {
    const sender = organizations.get(source.organization)?.name ?? words.common.unknownOrganization;
    return data.sourceText(source.deviceModel || data.noDevice, sender);
  };
  const units = unitsApart(sources, (unit) => unitName(data, unit));
  const shown = sources.find(({ key }) => key === chosen) ?? sources[0]!;
  const mergeable = isMergeable(kind, period, sources);
  const merged = mergeable && chosen === mergedKey;
  return (
    <>
      {sources.length > 1 && (
        <div class="field">
          <label for="source">{data.source}</label>
          <select
            id="source"
            value={merged ? mergedKey : shown.key}
            onChange={(event) => onChosen(event.currentTarget.value)}
          >
            {mergeable && <option value={mergedKey}>{data.merged}</option>}
            {sources.map(({ key, source }, at) => (
              <option key={key} value={key}>
                {units[at] === undefined ? nameOf(source) : data.inUnit(nameOf(source), units[at])}
              </option>
            ))}
          </select>
        </div>
      )}
      {merged ? (
        <MergedCard code={code} kind={kind} period={period} unit={sources[0]!.unit} nameOf={nameOf} />
      ) : (
        <Drawn kind={kind} period={period} source={shown} />
      )}
    </>
  );
}
