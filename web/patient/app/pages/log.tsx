import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { useState } from "preact/hooks";
import { useLoaded } from "../api/loaded.ts";
import { type KnownOrganization, organizationsOf } from "../api/organizations.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { ownAccountOf } from "../api/reader.ts";
import { usePlace } from "../context.ts";
import { type Entries, entriesOf } from "../log/entries.ts";
import { fits, type LogFilter } from "../log/filter.ts";
import { EntryLine } from "../parts/entry-line.tsx";
import { Heading } from "../parts/heading.tsx";
import { ProblemNotice, Waited } from "../parts/notice.tsx";
import { ProofCard } from "../parts/proof-card.tsx";

/** Entries a page: what a reader looks through, and what is proven at once. */
const pageOf = 100;

/** Every access, and the proof that none was changed. */
export function Log() {
  const place = usePlace();
  const { words, record } = place;
  const { connection } = record;
  const [older, setOlder] = useState<Entries>();
  const [problem, setProblem] = useState<Problem>();
  const newest = useLoaded(
    async (signal) => {
      setOlder(undefined);
      const [first, ownAccount] = await Promise.all([
        entriesOf(connection, { most: pageOf }, signal),
        ownAccountOf(record, signal),
      ]);
      return { ...first, ownAccount };
    },
    [connection],
  );
  async function loadOlder(pageToken: string): Promise<void> {
    try {
      const next = await entriesOf(connection, { most: pageOf, pageToken }, new AbortController().signal);
      setOlder((before) => ({
        entries: [...(before?.entries ?? []), ...next.entries],
        nextPageToken: next.nextPageToken,
      }));
      setProblem(undefined);
    } catch (error) {
      setProblem(problemOf(error));
    }
  }
  return (
    <>
      <Heading>{words.log.title}</Heading>
      <p class="quiet">{words.log.lead}</p>
      <Waited loaded={newest}>
        {(first) => {
          const nextPageToken = older === undefined ? first.nextPageToken : older.nextPageToken;
          return (
            <>
              <List entries={[...first.entries, ...(older?.entries ?? [])]} ownAccount={first.ownAccount} />
              {problem !== undefined && <ProblemNotice problem={problem} />}
              {nextPageToken !== "" && (
                <button type="button" class="button second" onClick={() => void loadOlder(nextPageToken)}>
                  {words.common.more}
                </button>
              )}
            </>
          );
        }}
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
  const ids = [...new Set(entries.map(({ access }) => access?.organization ?? ""))].filter((id) => id !== "");
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
                name={nameIn(names.value, entry.access?.organization ?? "")}
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

function nameIn(names: ReadonlyMap<string, KnownOrganization> | undefined, id: string): string | undefined {
  return names?.get(id)?.name;
}
