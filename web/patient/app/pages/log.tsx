import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useEffect, useState } from "preact/hooks";
import { type KnownOrganization, organizationsOf } from "../api/organizations.ts";
import { ownAccountOf } from "../api/reader.ts";
import { usePlace } from "../context.ts";
import { useEntries } from "../log/entries.ts";
import { fits, isWhole, type LogFilter, usualFilter } from "../log/filter.ts";
import { EntryLine } from "../parts/entry-line.tsx";
import { Heading } from "../parts/heading.tsx";
import { LogFilters } from "../parts/log-filters.tsx";
import { More } from "../parts/more.tsx";
import { Waited } from "../parts/notice.tsx";
import { ProofCard } from "../parts/proof-card.tsx";

/** Entries a page: what a reader looks through, and what is proven at once. */
const pageOf = 100;

/** Every access, and the proof that none was changed. */
export function Log() {
  const { words, record } = usePlace();
  const [filter, setFilter] = useState(usualFilter);
  const pages = useEntries(record.connection, pageOf, filter);
  const ownAccount = useLoaded((signal) => ownAccountOf(record, signal), [record]);
  const ids = useNamed(pages.loaded.value?.items ?? []);
  const names = useLoaded(() => organizationsOf(record.connection, ids), [record.connection, ids.join()]);
  const organizations = ids.map(
    (id) => [id, nameIn(names.value, id) ?? words.common.unknownOrganization] as const,
  );
  return (
    <>
      <Heading>{words.log.title}</Heading>
      <p class="quiet">{words.log.lead}</p>
      <LogFilters filter={filter} organizations={organizations} onFilter={setFilter} />
      <Waited loaded={pages.loaded}>
        {({ items }) => (
          <>
            <Waited loaded={ownAccount}>
              {(id) => <List entries={items} names={names.value} filter={filter} ownAccount={id} />}
            </Waited>
            <More pages={pages} />
          </>
        )}
      </Waited>
    </>
  );
}

/** The organizations that entries name, also those that were shown by another filter before. */
function useNamed(entries: readonly LoggedAccess[]): readonly string[] {
  const [known, setKnown] = useState<readonly string[]>([]);
  const fresh = new Set(entries.map(namedIn).filter((id) => id !== "" && !known.includes(id)));
  useEffect(() => {
    if (fresh.size > 0) setKnown((before) => [...new Set([...before, ...fresh])]);
  }, [entries]);
  return known;
}

function List(props: {
  readonly entries: readonly LoggedAccess[];
  readonly names: ReadonlyMap<string, KnownOrganization> | undefined;
  readonly filter: LogFilter;
  readonly ownAccount: string;
}) {
  const { words } = usePlace();
  const { entries, names, filter, ownAccount } = props;
  const says = words.log;
  const [proven, setProven] = useState<ReadonlySet<string>>(new Set());
  const ended = new Set(entries.map(({ access }) => access?.openedBy ?? ""));
  const shown = entries.filter(
    (entry) => fits(entry, filter, ownAccount) && (filter.show === "all" || !ended.has(entry.id)),
  );
  return (
    <>
      <ProofCard entries={shown} onProven={setProven} />
      <section class="card stack" aria-labelledby="entries">
        <h2 id="entries" class="unseen">
          {says.title}
        </h2>
        {shown.length === 0 && <p class="quiet">{isWhole(filter) ? says.noneAtAll : says.none}</p>}
        <ol class="timeline">
          {shown.map((entry) => (
            <li key={entry.id}>
              <EntryLine
                entry={entry}
                name={nameIn(names, namedIn(entry))}
                ownAccount={ownAccount}
                proven={proven.has(entry.id)}
              />
            </li>
          ))}
        </ol>
      </section>
    </>
  );
}

/** The organization that did it, or whose view the patient looked at. */
function namedIn({ access }: LoggedAccess): string {
  return access?.organization || (access?.previewedOrganization ?? "");
}

function nameIn(names: ReadonlyMap<string, KnownOrganization> | undefined, id: string): string | undefined {
  return names?.get(id)?.name;
}
