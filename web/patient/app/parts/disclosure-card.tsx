import { create } from "@bufbuild/protobuf";
import {
  type DisclosedCategory,
  type DisclosureFigures,
  DisclosureFiguresSchema,
} from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { useState } from "preact/hooks";
import { msOf, timestampOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { categoryName, valuesText } from "../words/names.ts";
import { CategoryIcon } from "./icon.tsx";
import { Waited } from "./notice.tsx";

const dayMs = 86_400_000;
/** Days back from now; 0: since ever. */
const periods = [30, 365, 0] as const;

/** What an organization read in a period, as the log adds it up. */
export function DisclosureCard({ organization }: { readonly organization: string }) {
  const { words, formats, record } = usePlace();
  const says = words.disclosures;
  const [days, setDays] = useState<number>(periods[0]);
  const { audit } = record.connection;
  const loaded = useLoaded(
    async (signal) => {
      const from = days === 0 ? undefined : Date.now() - days * dayMs;
      const interval = from === undefined ? {} : { startTime: timestampOf(from) };
      const answer = await audit.aggregateDisclosures({ organization, interval }, { signal });
      const since = msOf(answer.interval?.startTime);
      return {
        disclosure: answer.disclosures[0],
        since: since > (from ?? 0) ? since : undefined,
        unreadable: answer.unreadableEntries,
      };
    },
    [audit, organization, days],
  );
  return (
    <section class="card stack-close" aria-labelledby="disclosures">
      <h2 id="disclosures">{says.title}</h2>
      <Choice
        id="disclosed-period"
        label={says.period}
        value={String(days)}
        options={periods.map((one) => [String(one), one === 0 ? says.ever : says.days(one)])}
        onChange={(one) => setDays(Number(one))}
      />
      <Waited loaded={loaded}>
        {({ disclosure, since, unreadable }) => (
          <>
            {disclosure === undefined && <p class="quiet">{says.none}</p>}
            {disclosure !== undefined && (
              <ul class="kinds">
                {disclosure.categories.map((one) => (
                  <Category key={one.category} disclosed={one} />
                ))}
              </ul>
            )}
            {(disclosure?.total?.emergencyAccesses.length ?? 0) > 0 && (
              <p class="small warning-text">{says.emergency}</p>
            )}
            {since !== undefined && <p class="small quiet">{says.coveredSince(formats.day(since))}</p>}
            {unreadable > 0 && (
              <p class="small warning-text">{says.unreadable(formats.number(unreadable))}</p>
            )}
            {disclosure !== undefined && (
              <p class="small">
                <a href={hrefOf("log")}>{says.proof}</a>
              </p>
            )}
          </>
        )}
      </Waited>
    </section>
  );
}

function Category({ disclosed }: { readonly disclosed: DisclosedCategory }) {
  const { words, formats } = usePlace();
  const { category, figures = create(DisclosureFiguresSchema) } = disclosed;
  const says = words.disclosures;
  const purposes = figures.purposes.flatMap((one) => words.home.purposes[one] ?? []);
  const [first, last] = [formats.day(msOf(figures.firstTime)), formats.day(msOf(figures.lastTime))];
  return (
    <li>
      <CategoryIcon category={category} />
      <div>
        <strong>{category === "" ? says.noCategory : categoryName(words, category)}</strong>
        <p class="small">
          {says.reads(formats.number(Number(figures.reads)), figures.reads === 1n)},{" "}
          <Amount figures={figures} />
        </p>
        <p class="small quiet">
          {[
            words.home.resolutions[figures.finestResolution] ?? says.unknownResolution,
            ...purposes,
            first === last ? first : says.between(first, last),
          ].join(" · ")}
        </p>
      </div>
    </li>
  );
}

function Amount({ figures }: { readonly figures: DisclosureFigures }) {
  const { words, formats } = usePlace();
  const { values, unknownAmountReads } = figures;
  if (unknownAmountReads > 0n && values === 0n) return <>{words.disclosures.unknownAmount}</>;
  const known = valuesText(words, formats, Number(values));
  return <>{unknownAmountReads > 0n ? `${known}, ${words.disclosures.andMore}` : known}</>;
}
