import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome, type LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { usePages } from "@wellapi/ui/browser/pages";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { useState } from "preact/hooks";
import { mayReadLog } from "../api/membership.ts";
import { usePlace } from "../context.ts";
import { More } from "../parts/more.tsx";
import { Heading, Notice, Waited } from "../parts/notice.tsx";
import { ReasonLink } from "../parts/reason-link.tsx";
import { ScrolledTable } from "../parts/scrolled-table.tsx";
import { shortMethod } from "../usage-days.ts";

/** The organization's own calls, as the log has them: who, which RPC, with what reason. Never a value. */
export function Log() {
  const { words, membership } = usePlace();
  return (
    <>
      <Heading>{words.common.log}</Heading>
      <p class="lead">{words.log.lead}</p>
      {mayReadLog(membership) ? (
        <Entries />
      ) : (
        <Notice kind="warning">
          <p>{words.log.rolesNeeded}</p>
        </Notice>
      )}
    </>
  );
}

function Entries() {
  const { words, connection } = usePlace();
  const { log: texts } = words;
  const [refusedOnly, setRefusedOnly] = useState(false);
  const [method, setMethod] = useState("");
  const pages = usePages(
    async (pageToken, signal) => {
      const page = await connection.audit.listAccesses({ pageToken, pageSize: 100 }, { signal });
      return { items: page.accesses, nextPageToken: page.nextPageToken };
    },
    [connection],
  );
  return (
    <Waited loaded={pages.loaded}>
      {({ items }) => {
        const methods = [...new Set(items.map(({ access }) => access?.method ?? ""))].sort();
        const shown = items.filter(
          ({ access }) =>
            (method === "" || access?.method === method) &&
            (!refusedOnly || (access !== undefined && access.outcome !== Access_Outcome.PERMITTED)),
        );
        return (
          <>
            <form class="filters" onSubmit={(event) => event.preventDefault()}>
              <Choice
                id="method"
                label={texts.method}
                value={method}
                options={[
                  ["", texts.all],
                  ...methods.filter(Boolean).map((one) => [one, shortMethod(one)] as const),
                ]}
                onChange={setMethod}
              />
              <div class="tick">
                <input
                  id="refused"
                  type="checkbox"
                  checked={refusedOnly}
                  onChange={({ currentTarget }) => setRefusedOnly(currentTarget.checked)}
                />
                <label for="refused">{texts.refusedOnly}</label>
              </div>
            </form>
            {shown.length === 0 ? <p class="quiet">{texts.none}</p> : <EntryTable entries={shown} />}
            <More pages={pages} label={texts.more} />
          </>
        );
      }}
    </Waited>
  );
}

function EntryTable({ entries }: { readonly entries: readonly LoggedAccess[] }) {
  const { words, formats } = usePlace();
  const { log: texts } = words;
  const columns = [texts.time, texts.method, texts.outcome, texts.actor, texts.patient, texts.request];
  return (
    <ScrolledTable caption={words.common.log} columns={columns}>
      {entries.map(({ id, access }) => (
        <tr key={id}>
          <td>
            {access?.time === undefined
              ? ""
              : `${formats.day(timestampMs(access.time))}, ${formats.second(timestampMs(access.time))}`}
          </td>
          <th scope="row">{access === undefined ? texts.damaged : shortMethod(access.method)}</th>
          <td>
            {access?.outcome === Access_Outcome.PERMITTED ? (
              texts.permitted
            ) : (
              <ReasonLink reason={access?.reason ?? ""} />
            )}
          </td>
          <td>
            <code>{access?.actor?.id}</code>
          </td>
          <td>
            <code>{access?.patient}</code>
          </td>
          <td>
            <code>{access?.requestId || id}</code>
          </td>
        </tr>
      ))}
    </ScrolledTable>
  );
}
