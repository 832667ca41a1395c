import { MergeReason, type Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Coding } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { Waited } from "../parts/notice.tsx";
import { Drawn } from "./drawn.tsx";
import type { Kind } from "./kinds.ts";
import { mergedOf } from "./merged.ts";
import type { Stretch } from "./merged-line.ts";
import type { Period } from "./period.ts";

/** A reader looks through so many. */
const mostStretches = 60;

/** One line of all devices, and of each part of it why it is of its device. */
export function MergedCard(props: {
  readonly code: Coding;
  readonly kind: Kind;
  readonly period: Period;
  readonly unit: string;
  readonly nameOf: (source: Source) => string;
}) {
  const { code, kind, period, unit, nameOf } = props;
  const { words, record } = usePlace();
  const { data } = words;
  const loaded = useLoaded(
    (signal) => mergedOf(record, { code, kind, period, unit }, signal),
    [record, code, period.start, unit],
  );
  return (
    <Waited loaded={loaded}>
      {({ line, stretches, cut }) =>
        line === undefined ? (
          <p class="quiet chart-empty">{data.nothingMerged}</p>
        ) : (
          <>
            <Drawn kind={kind} period={period} source={line} />
            {cut && <p class="small warning-text">{data.mergedCut}</p>}
            <Why stretches={stretches} nameOf={nameOf} />
          </>
        )
      }
    </Waited>
  );
}

function Why(props: { readonly stretches: readonly Stretch[]; readonly nameOf: (source: Source) => string }) {
  const { stretches, nameOf } = props;
  const { words, formats, record } = usePlace();
  const { data } = words;
  const more = stretches.length - mostStretches;
  return (
    <details>
      <summary>{data.why}</summary>
      <div class="stack-close">
        <p class="small quiet">
          {data.whyLead} {record.as !== "representative" && <a href={hrefOf("settings")}>{data.setOrder}</a>}
        </p>
        <ol class="timeline">
          {stretches.slice(0, mostStretches).map((one) => (
            <li key={one.start}>
              <p>
                {data.stretch(formats.time(one.start), formats.time(one.end), nameOf(one.source))}{" "}
                {reasonText(data.reasons, one.reason)}
              </p>
              {one.passedOver.length > 0 && (
                <p class="small quiet">
                  {data.passedOver(
                    formats.list(
                      one.passedOver.map(({ source, minutes }) =>
                        data.inMinutes(nameOf(source), formats.number(minutes), minutes === 1),
                      ),
                    ),
                  )}
                </p>
              )}
            </li>
          ))}
        </ol>
        {more > 0 && <p class="small quiet">{data.moreStretches(formats.number(more))}</p>}
      </div>
    </details>
  );
}

function reasonText(reasons: Readonly<Record<number, string>>, reason: MergeReason): string {
  return reasons[reason] ?? reasons[MergeReason.TIE_BREAK]!;
}
