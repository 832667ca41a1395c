import { createClient } from "@connectrpc/connect";
import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import type { PageProps } from "@wellapi/ui/browser/routes";
import { useState } from "preact/hooks";
import { organizationsOf } from "../api/organizations.ts";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { ChartCard } from "../data/chart-card.tsx";
import { kindOf } from "../data/kinds.ts";
import { sourceKey } from "../data/lines.ts";
import { ObservationList } from "../data/observation-list.tsx";
import { type PeriodKind, periodAt, periodKinds, shifted } from "../data/period.ts";
import { type Measured, measuredOf } from "../data/series.ts";
import { hrefOf } from "../location.ts";
import { Heading } from "../parts/heading.tsx";
import { Waited } from "../parts/notice.tsx";
import { About } from "../parts/rights-card.tsx";
import { consentsOf } from "../sharing/consents.ts";
import { byCategory, permissionsOf } from "../sharing/permission.ts";
import { disputesOf } from "../sharing/rights.ts";
import { codeName } from "../words/names.ts";

/** One kind of data: a chart by period, where it comes from, who can see it. */
export function DataKind({ named }: PageProps) {
  const { words, record } = usePlace();
  const loaded = useLoaded(
    async (signal) => (await measuredOf(record, signal)).find(({ code }) => code.code === named),
    [record, named],
  );
  return (
    <>
      <p>
        <a class="back" href={hrefOf("data")}>
          {words.data.backToKinds}
        </a>
      </p>
      <Heading>{codeName(words, named, loaded.value?.code.display)}</Heading>
      <Waited loaded={loaded}>
        {(measured) =>
          measured === undefined ? (
            <p class="quiet">{words.data.none}</p>
          ) : (
            <>
              <Shown measured={measured} />
              <Sources measured={measured} />
            </>
          )
        }
      </Waited>
      <Disputed category={kindOf(named).category} />
      <Readers category={kindOf(named).category} />
    </>
  );
}

/** What the patient disputes of this kind, where anything is: it is marked for who reads it. */
function Disputed({ category }: { readonly category: string | undefined }) {
  const { words, formats, record } = usePlace();
  const says = words.rights;
  const { connection } = record;
  const loaded = useLoaded(
    async (signal) => {
      if (category === undefined) return [];
      const requests = await disputesOf(createClient(RightsService, connection.transport), category, signal);
      const names = await organizationsOf(connection, [...new Set(requests.map((one) => one.organization))]);
      return requests.map((request) => ({ request, name: names.get(request.organization)?.name }));
    },
    [connection, category],
  );
  if (loaded.value === undefined || loaded.value.length === 0) return null;
  return (
    <section class="card stack-close" aria-labelledby="disputed">
      <h2 id="disputed">{says.disputed}</h2>
      <p class="small quiet">{says.marked}</p>
      <ul class="rows">
        {loaded.value.map(({ request: { id, organization, right, createTime }, name }) => (
          <li key={id}>
            <div>
              <a class="line-link" href={hrefOf(`organizations/${organization}`)}>
                {name ?? words.common.unknownOrganization}
              </a>
              <About right={right} />
              <p class="quiet small">{says.asked(formats.day(msOf(createTime)))}</p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Shown({ measured }: { readonly measured: Measured }) {
  const { words, formats } = usePlace();
  const { data } = words;
  const kind = kindOf(measured.code.code);
  const { zone } = formats;
  const [periodKind, setPeriodKind] = useState<PeriodKind>(kind.chart === "latest" ? "year" : "week");
  const [at, setAt] = useState(measured.last - 1);
  const period = periodAt(periodKind, at, zone);
  const move = (by: number) => setAt(shifted(period, by, zone).start);
  const title =
    periodKind === "day"
      ? formats.day(period.start)
      : `${formats.day(period.start)} – ${formats.day(period.end - 1)}`;
  return (
    <section class="card stack" aria-label={data.period}>
      <div class="between">
        <fieldset class="switch">
          <legend class="unseen">{data.period}</legend>
          {periodKinds.map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="period"
                checked={one === periodKind}
                onChange={() => setPeriodKind(one)}
              />
              <span>{data.periods[one]}</span>
            </label>
          ))}
        </fieldset>
        <div class="actions">
          <button
            type="button"
            class="button second slim"
            disabled={period.start <= measured.first}
            onClick={() => move(-1)}
          >
            {data.earlier}
          </button>
          <button
            type="button"
            class="button second slim"
            disabled={period.end > Date.now()}
            onClick={() => move(1)}
          >
            {data.later}
          </button>
        </div>
      </div>
      <h2 aria-live="polite">{title}</h2>
      {kind.chart === "list" ? (
        <ObservationList code={measured.code} period={period} />
      ) : (
        <ChartCard code={measured.code} kind={kind} period={period} />
      )}
    </section>
  );
}

function Sources({ measured }: { readonly measured: Measured }) {
  const { words, formats, record } = usePlace();
  const { data, common } = words;
  const ids = measured.sources.map(({ organization }) => organization);
  const names = useLoaded(() => organizationsOf(record.connection, ids), [record.connection, ids.join()]);
  return (
    <section class="card stack-close" aria-labelledby="sources">
      <h2 id="sources">{data.sources}</h2>
      <ul class="rows">
        {measured.sources.map((source) => (
          <li key={sourceKey(source)}>
            <div>
              {data.sourceText(
                source.deviceModel || data.noDevice,
                names.value?.get(source.organization)?.name ?? common.unknownOrganization,
              )}
              <p class="quiet small">{data.methods[source.method]}</p>
            </div>
          </li>
        ))}
      </ul>
      <p class="quiet small">
        {data.measured(formats.number(measured.count), measured.count === 1)}{" "}
        {data.fromTo(formats.day(measured.first), formats.day(measured.last))}
      </p>
    </section>
  );
}

function Readers({ category }: { readonly category: string | undefined }) {
  const { data } = usePlace().words;
  return (
    <section class="card stack-close" aria-labelledby="readers">
      <h2 id="readers">{data.whoSees}</h2>
      {category === undefined ? (
        <>
          <p class="quiet">{data.cannotTell}</p>
          <p>
            <a href={hrefOf("")}>{data.cannotTellWay}</a>
          </p>
        </>
      ) : (
        <ReadersOf category={category} />
      )}
    </section>
  );
}

function ReadersOf({ category }: { readonly category: string }) {
  const { words, record } = usePlace();
  const { data, common } = words;
  const loaded = useLoaded(
    async (signal) => {
      const permissions = permissionsOf(await consentsOf(record.connection, signal));
      const ids = byCategory(permissions).find((one) => one.category === category)?.organizations ?? [];
      return [...(await organizationsOf(record.connection, ids)).values()];
    },
    [record.connection, category],
  );
  return (
    <Waited loaded={loaded}>
      {(readers) =>
        readers.length === 0 ? (
          <p class="quiet">{data.nobodySees}</p>
        ) : (
          <ul class="plain">
            {readers.map(({ id, name }) => (
              <li key={id}>
                <a class="line-link" href={hrefOf(`organizations/${id}`)}>
                  {name ?? common.unknownOrganization}
                </a>
              </li>
            ))}
          </ul>
        )
      }
    </Waited>
  );
}
