import {
  type PreviewedKind,
  PreviewedKind_Withheld,
} from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import type { Purpose, TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { useEffect, useState } from "preact/hooks";
import { msOf } from "../api/time.ts";
import { type Place, usePlace } from "../context.ts";
import { kindOf } from "../data/kinds.ts";
import { observationText } from "../data/observation-list.tsx";
import { sampleTexts } from "../data/sample-texts.ts";
import { amountText } from "../data/summary-text.ts";
import { countOf, isSeen, keptOf, type Preview, type PreviewView, previewOf } from "../sharing/preview.ts";
import { codeName, valuesText } from "../words/names.ts";
import { CategoryIcon } from "./icon.tsx";
import { Waited } from "./notice.tsx";

/** One of what can be looked at; `view` undefined: there is nothing to look at. */
export interface Previewable {
  readonly label: string;
  readonly view: PreviewView | undefined;
}

interface PreviewCardProps {
  /** Of its parts; absent where there is one on the page. */
  readonly name?: string;
  readonly title: string;
  readonly choices: readonly Previewable[];
  /** What it reads for, by the terms; empty: it reads nothing. */
  readonly purposes: readonly Purpose[];
}

/** What an organization sees or would see, once its reader wants to know: each look leaves an entry in the log. */
export function PreviewCard({ name = "preview", title, choices, purposes }: PreviewCardProps) {
  const { words, record } = usePlace();
  const says = words.preview;
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const [wanted, setWanted] = useState<Purpose>();
  // A representative looks after a record that is frozen: nobody reads it.
  if (record.as === "representative") return null;
  const purpose = purposes.find((one) => one === wanted) ?? purposes[0];
  const { view } = choices[Math.min(at, choices.length - 1)]!;
  return (
    <section class="card stack-close" aria-labelledby={name}>
      <h2 id={name}>{title}</h2>
      <p class="small quiet">{says.lead}</p>
      {!open && (
        <button type="button" class="button second" onClick={() => setOpen(true)}>
          {says.show}
        </button>
      )}
      {open && choices.length > 1 && (
        <Choice
          id={`${name}-which`}
          label={says.which}
          value={String(at)}
          options={choices.map(({ label }, i) => [String(i), label])}
          onChange={(one) => setAt(Number(one))}
        />
      )}
      {open && purposes.length > 1 && (
        <Choice
          id={`${name}-purpose`}
          label={says.purpose}
          value={String(purpose)}
          options={purposes.map((one) => [String(one), words.home.purposes[one] ?? String(one)])}
          onChange={(one) => setWanted(Number(one))}
        />
      )}
      {open && <Shown view={view} purpose={purpose} />}
    </section>
  );
}

function Shown(props: { readonly view: PreviewView | undefined; readonly purpose: Purpose | undefined }) {
  const { words, record } = usePlace();
  const says = words.preview;
  const { view, purpose } = useSteady(props);
  const [unfolded, setUnfolded] = useState(false);
  const loaded = useLoaded(
    async (signal) =>
      view === undefined || purpose === undefined ? undefined : previewOf(record, view, purpose, signal),
    [record, view, purpose],
  );
  if (props.view === undefined) return <p aria-live="polite">{says.nothingLeft}</p>;
  if (props.purpose === undefined) return <p aria-live="polite">{says.notRead}</p>;
  return (
    <div aria-live="polite">
      <Waited loaded={loaded}>
        {(preview) =>
          preview !== undefined && (
            <>
              <Seen preview={preview} />
              <Kept preview={preview} unfolded={unfolded} onUnfolded={setUnfolded} />
            </>
          )
        }
      </Waited>
    </div>
  );
}

/** Whoever takes out several kinds one after another asks once. */
const steadyMs = 400;

function useSteady<T extends { readonly view: unknown; readonly purpose: unknown }>(value: T): T {
  const [steady, setSteady] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSteady(value), steadyMs);
    return () => clearTimeout(timer);
  }, [value.view, value.purpose]);
  return steady;
}

function Seen({ preview }: { readonly preview: Preview }) {
  const { words, formats } = usePlace();
  const says = words.preview;
  const { kinds, records, at, hasMore } = preview;
  if (kinds.length + records.length === 0) return <p class="quiet">{says.nothingThere}</p>;
  const seen = kinds.filter(isSeen);
  const seenRecords = records.filter((one) => one.seen > 0n);
  const notYet = kinds.some((one) => one.withheld === PreviewedKind_Withheld.COARSER && !isSeen(one));
  return (
    <>
      {at > Date.now() && <p class="small">{says.later(formats.moment(at))}</p>}
      {seen.length + seenRecords.length === 0 && <p>{says.nothingSeen}</p>}
      <ul class="kinds">
        {seen.map((kind) => (
          <SeenKind key={`${kind.code?.system} ${kind.code?.code}`} kind={kind} />
        ))}
        {seenRecords.map((one) => (
          <li key={one.resourceType}>
            <CategoryIcon category="other" />
            <div>
              <strong>{says.types[one.resourceType] ?? one.resourceType}</strong>
              <p class="small">{says.records(formats.number(Number(one.seen)), one.seen === 1n)}</p>
            </div>
          </li>
        ))}
      </ul>
      {notYet && <p class="small quiet">{says.notYet}</p>}
      {hasMore && <p class="small quiet">{says.more}</p>}
    </>
  );
}

function SeenKind({ kind }: { readonly kind: PreviewedKind }) {
  const place = usePlace();
  const { words, formats } = place;
  const says = words.preview;
  const { code, seen, sums } = kind;
  const { category = "other" } = kindOf(code?.code ?? "");
  const firsts = firstsOf(kind, place);
  return (
    <li>
      <CategoryIcon category={category} />
      <div>
        <strong>{codeName(words, code?.code ?? "", code?.display)}</strong>
        {seen !== undefined && (
          <p class="small">
            {[valuesText(words, formats, countOf(seen)), spanText(seen.span, place), says.every].join(", ")}
          </p>
        )}
        {sums.map(({ resolution, buckets, span }) => (
          <p class="small" key={resolution}>
            {[
              says.sums[resolution]?.(formats.number(Number(buckets)), buckets === 1n),
              spanText(span, place),
            ].join(", ")}
          </p>
        ))}
        {kind.masks.length > 0 && (
          <p class="small">{kind.masks.flatMap((mask) => words.home.masks[mask] ?? []).join(", ")}</p>
        )}
        {firsts.length > 0 && <p class="small quiet">{says.first(firsts.join(", "))}</p>}
      </div>
    </li>
  );
}

/** Days of the patient, the last one inside. */
function spanText(span: TimeInterval | undefined, { words, formats }: Place): string {
  return words.preview.span(formats.day(msOf(span?.startTime)), formats.day(msOf(span?.endTime) - 1));
}

/** The first values as the organization gets them. */
function firstsOf(
  { code, firstSamples, firstObservations, sums }: PreviewedKind,
  place: Place,
): readonly string[] {
  const samples = firstSamples.flatMap((one) => sampleTexts(one, place));
  if (samples.length > 0) return samples.slice(0, 3);
  if (firstObservations.length > 0) return firstObservations.map((one) => observationText(one, place));
  const { digits } = kindOf(code?.code ?? "");
  return (sums[0]?.first?.buckets ?? []).map(({ mean }) =>
    amountText(place.words, place.formats, {
      value: Number(mean),
      unit: sums[0]!.first!.unit,
      digits: Math.max(1, digits),
    }),
  );
}

/** What is there, and not seen. It stays unfolded while its reader narrows. */
function Kept(props: {
  readonly preview: Preview;
  readonly unfolded: boolean;
  readonly onUnfolded: (unfolded: boolean) => void;
}) {
  const { words, formats } = usePlace();
  const says = words.preview;
  const { preview, unfolded, onUnfolded } = props;
  if (preview.kinds.length + preview.records.length === 0) return null;
  const kinds = preview.kinds.filter(({ withheld }) => withheld !== PreviewedKind_Withheld.UNSPECIFIED);
  const records = preview.records.filter(({ held, seen }) => seen < held);
  return (
    <details open={unfolded} onToggle={(event) => onUnfolded(event.currentTarget.open)}>
      <summary>{says.stays}</summary>
      {kinds.length + records.length === 0 && <p class="small">{says.staysAll}</p>}
      <ul class="plain small">
        {kinds.map((kind) => (
          <li key={`${kind.code?.system} ${kind.code?.code}`}>
            {codeName(words, kind.code?.code ?? "", kind.code?.display)}:{" "}
            {says.staysOf(
              formats.number(keptOf(kind)),
              formats.number(countOf(kind.held)),
              countOf(kind.held) === 1,
              says.why[kind.withheld] ?? "",
            )}
          </li>
        ))}
        {records.map(({ resourceType, held, seen }) => (
          <li key={resourceType}>
            {says.types[resourceType] ?? resourceType}:{" "}
            {says.recordsStay(
              formats.number(Number(held - seen)),
              formats.number(Number(held)),
              held === 1n,
              says.why[PreviewedKind_Withheld.NOT_PERMITTED] ?? "",
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
