import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useState } from "preact/hooks";
import { organizationsOf } from "../api/organizations.ts";
import { type Place, usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { entriesOf } from "../log/entries.ts";
import { type ReadOfDay, readsByDay } from "../log/reads.ts";
import { Heading } from "../parts/heading.tsx";
import { CategoryIcon } from "../parts/icon.tsx";
import { Waited } from "../parts/notice.tsx";
import { OrganizationName } from "../parts/organization-name.tsx";
import { mostAtOnce, type Names, OrganizationTiles } from "../parts/organization-tiles.tsx";
import { ReadSentence } from "../parts/read-sentence.tsx";
import { Waiting } from "../parts/waiting.tsx";
import { consentsOf } from "../sharing/consents.ts";
import { byCategory, endingSoon, type Permission, permissionsOf } from "../sharing/permission.ts";
import { categoryName } from "../words/names.ts";

/** And so many of one kind of data. */
const mostOfKind = 12;

/** Whose names the overview shows before anybody presses on it. */
function namedFirst(permissions: readonly Permission[]): readonly string[] {
  const ending = endingSoon(permissions, Date.now()).slice(0, mostAtOnce);
  return [
    ...[...permissions.slice(0, mostAtOnce), ...ending].map(({ organization }) => organization),
    ...byCategory(permissions).flatMap(({ organizations }) => organizations.slice(0, mostOfKind)),
  ];
}

/** Who can see what now, what was read, what ends. */
export function Home() {
  const { words, record } = usePlace();
  const { connection } = record;
  const sharing = useLoaded(
    async (signal) => {
      const permissions = permissionsOf(await consentsOf(connection, signal));
      return { permissions, names: await organizationsOf(connection, namedFirst(permissions)) };
    },
    [connection],
  );
  return (
    <>
      <Heading>{record.as === "self" ? words.home.title : words.home.titleOf(record.name)}</Heading>
      {/* A record of somebody who died is frozen: nobody asks, and nobody could answer. */}
      {record.as !== "representative" && <Waiting />}
      <Waited loaded={sharing}>
        {({ permissions, names }) => (
          <>
            <Sharing permissions={permissions} names={names} />
            <Ending permissions={permissions} names={names} />
          </>
        )}
      </Waited>
      <Recent />
    </>
  );
}

function Sharing({
  permissions,
  names,
}: {
  readonly permissions: readonly Permission[];
  readonly names: Names;
}) {
  const { home } = usePlace().words;
  const [by, setBy] = useState<"organization" | "kind">("organization");
  if (permissions.length === 0) {
    return (
      <section class="card stack-close">
        <h2>{home.nobody}</h2>
        <p class="quiet">{home.nobodyLead}</p>
      </section>
    );
  }
  const readers = permissions.filter(({ reads }) => reads.length > 0).length;
  return (
    <section class="stack" aria-labelledby="sharing">
      <div class="between">
        <h2 id="sharing" class="lead">
          {readers === 0 ? home.noReaders : home.summary(readers)}
        </h2>
        <fieldset class="switch">
          <legend class="unseen">{home.show}</legend>
          {(["organization", "kind"] as const).map((one) => (
            <label key={one}>
              <input type="radio" name="by" checked={by === one} onChange={() => setBy(one)} />
              <span>{one === "organization" ? home.byOrganization : home.byKind}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {by === "organization" ? (
        <OrganizationTiles permissions={permissions} names={names} />
      ) : (
        <KindTiles permissions={permissions} names={names} />
      )}
    </section>
  );
}

function KindTiles({
  permissions,
  names,
}: {
  readonly permissions: readonly Permission[];
  readonly names: Names;
}) {
  const { words, formats } = usePlace();
  const kinds = byCategory(permissions);
  if (kinds.length === 0) return <p class="quiet">{words.home.noReaders}</p>;
  return (
    <ul class="tiles">
      {kinds.map(({ category, organizations }) => (
        <li class="card tile" key={category}>
          <CategoryIcon category={category} />
          <div class="grow">
            <h3>{categoryName(words, category)}</h3>
            <ul class="plain">
              {organizations.slice(0, mostOfKind).map((id) => (
                <li key={id}>
                  <a class="line-link" href={hrefOf(`organizations/${id}`)}>
                    <OrganizationName known={names.get(id)} />
                  </a>
                </li>
              ))}
              {organizations.length > mostOfKind && (
                <li class="quiet">{words.home.andMore(formats.number(organizations.length - mostOfKind))}</li>
              )}
            </ul>
          </div>
        </li>
      ))}
    </ul>
  );
}

function Ending({
  permissions,
  names,
}: {
  readonly permissions: readonly Permission[];
  readonly names: Names;
}) {
  const { words, formats } = usePlace();
  const { home, common } = words;
  const soon = endingSoon(permissions, Date.now()).slice(0, mostAtOnce);
  if (soon.length === 0) return null;
  return (
    <section class="card stack-close" aria-labelledby="ending">
      <h2 id="ending">{home.ending}</h2>
      <ul class="rows">
        {soon.map(({ organization, until }) => (
          <li key={organization}>
            <a class="line-link" href={hrefOf(`organizations/${organization}`)}>
              {home.ends(names.get(organization)?.name ?? common.unknownOrganization, formats.day(until!))}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

const weekMs = 7 * 86_400_000;
/** Entries that are looked through for the overview. */
const mostEntries = 500;

async function recentReads(
  { record, formats }: Place,
  signal: AbortSignal,
): Promise<{ readonly reads: readonly ReadOfDay[]; readonly names: Names; readonly all: boolean }> {
  const { connection } = record;
  const since = Date.now() - weekMs;
  const { entries, nextPageToken } = await entriesOf(connection, { since, most: mostEntries }, signal);
  const accesses = entries.flatMap(({ access }) => access ?? []);
  const reads = readsByDay(accesses, formats.dayKey);
  const names = await organizationsOf(
    connection,
    reads.map(({ organization }) => organization),
  );
  return { reads, names, all: nextPageToken === "" };
}

function Recent() {
  const place = usePlace();
  const { home } = place.words;
  const loaded = useLoaded((signal) => recentReads(place, signal), [place]);
  return (
    <section class="card stack-close" aria-labelledby="recent">
      <h2 id="recent">{home.recent}</h2>
      <Waited loaded={loaded}>
        {({ reads, names, all }) => (
          <>
            {reads.length === 0 && <p class="quiet">{home.recentNone}</p>}
            {reads.length > 0 && (
              <ol class="timeline">
                {reads.map((read) => (
                  <li key={`${read.day} ${read.organization}`}>
                    <ReadSentence read={read} known={names.get(read.organization)} />
                  </li>
                ))}
              </ol>
            )}
            {!all && <p class="quiet small">{home.recentPart}</p>}
            <p>
              <a href={hrefOf("log")}>{home.toLog}</a>
            </p>
          </>
        )}
      </Waited>
    </section>
  );
}
