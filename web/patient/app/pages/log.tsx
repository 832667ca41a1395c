import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useState } from "preact/hooks";
import { type KnownOrganization, organizationsOf } from "../api/organizations.ts";
import { ownAccountOf } from "../api/reader.ts";
import { usePlace } from "../context.ts";
import { useEntries } from "../log/entries.ts";
import { fits, type LogFilter } from "../log/filter.ts";
import { EntryLine } from "../parts/entry-line.tsx";
import { Heading } from "../parts/heading.tsx";
import { More } from "../parts/more.tsx";
import { Waited } from "../parts/notice.tsx";
import { ProofCard } from "../parts/proof-card.tsx";

/** Entries a page: what a reader looks through, and what is proven at once. */
const pageOf = 100;

/** Every access, and the proof that none was changed. */
export function Log() {
  const { words, record } = usePlace();
  const pages = useEntries(record.connection, pageOf);
  const ownAccount = useLoaded((signal) => ownAccountOf(record, signal), [record]);
  return (
    <>
      <Heading>{words.log.title}</Heading>
      <p class="quiet">{words.log.lead}</p>
      <Waited loaded={pages.loaded}>
        {({ items }) => (
          <>
            <Waited loaded={ownAccount}>{(id) => <List entries={items} ownAccount={id} />}</Waited>
            <More pages={pages} />
          </>
        )}
      </Waited>
    </>
  );
}

function List(props: { readonly entries: readonly LoggedAccess[]; readonly ownAccount: string }) {
  const { words, record } = usePlace();
  const { entries, ownAccount } = props;
  const says = words.log;
  const [show, setShow] = useState<LogFilter["show"]>("others");
  const [organization, setOrganization] = useState("");
  const [proven, setProven] = useState<ReadonlySet<string>>(new Set());
  const ids = [...new Set(entries.map(namedIn))].filter((id) => id !== "");
  const names = useLoaded(() => organizationsOf(record.connection, ids), [record.connection, ids.join()]);
  const ended = new Set(entries.map(({ access }) => access?.openedBy ?? ""));
  const shown = entries.filter(
    (entry) => fits(entry, { show, organization }, ownAccount) && (show === "all" || !ended.has(entry.id)),
  );
  return (
    <>
      <ProofCard entries={shown} onProven={setProven} />
      <section class="card stack" aria-labelledby="entries">
        <h2 id="entries" class="unseen">
          {says.title}
        </h2>
        <div class="filters">
          <div class="field">
            <label for="filter">{says.filter}</label>
            <select
              id="filter"
              value={show}
              onChange={(event) => setShow(event.currentTarget.value as LogFilter["show"])}
            >
              {(["others", "refused", "all"] as const).map((one) => (
                <option key={one} value={one}>
                  {says.filters[one]}
                </option>
              ))}
            </select>
          </div>
          <div class="field">
            <label for="organization">{says.organization}</label>
            <select
              id="organization"
              value={organization}
              onChange={(event) => setOrganization(event.currentTarget.value)}
            >
              <option value="">{says.anyOrganization}</option>
              {ids.map((id) => (
                <option key={id} value={id}>
                  {nameIn(names.value, id) ?? words.common.unknownOrganization}
                </option>
              ))}
            </select>
          </div>
        </div>
        {shown.length === 0 && <p class="quiet">{entries.length === 0 ? says.noneAtAll : says.none}</p>}
        <ol class="timeline">
          {shown.map((entry) => (
            <li key={entry.id}>
              <EntryLine
                entry={entry}
                name={nameIn(names.value, namedIn(entry))}
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
