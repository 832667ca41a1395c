import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { LoggedRequest } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import type { Application } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { usePages } from "@wellapi/ui/browser/pages";
import { Tick } from "@wellapi/ui/browser/parts/tick";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useEffect, useMemo, useState } from "preact/hooks";
import { mayReadRequests } from "../api/membership.ts";
import { type RequestFilter, tailRequests } from "../api/request-tail.ts";
import { usePlace } from "../context.ts";
import { ApplicationChoice } from "../parts/application-choice.tsx";
import { More } from "../parts/more.tsx";
import { Heading, Notice, ProblemNotice, Waited } from "../parts/notice.tsx";
import { ReasonLink } from "../parts/reason-link.tsx";
import { ScrolledTable } from "../parts/scrolled-table.tsx";
import { failuresByReason } from "../request-groups.ts";
import { shortMethod } from "../usage-days.ts";

/** More than these the tail does not hold: a reload shows them as pages. */
const mostLive = 500;

/** The organization's requests of the last days, as the doors saw them end, and those that end now. */
export function Requests() {
  const { words, membership } = usePlace();
  return (
    <>
      <Heading>{words.common.requests}</Heading>
      <p class="lead">{words.requests.lead}</p>
      {mayReadRequests(membership) ? (
        <Filtered />
      ) : (
        <Notice kind="warning">
          <p>{words.requests.rolesNeeded}</p>
        </Notice>
      )}
    </>
  );
}

function Filtered() {
  const { words, connection, membership } = usePlace();
  const { requests: texts } = words;
  const [application, setApplication] = useState("");
  const [method, setMethod] = useState("");
  const [failed, setFailed] = useState(false);
  const [live, setLive] = useState(true);
  const { organization } = membership;
  const applications = useLoaded(
    async (signal) =>
      (await connection.organizations.listApplications({ organization, pageSize: 1_000 }, { signal }))
        .applications,
    [connection],
  );
  const listed = applications.value ?? [];
  const filter = useMemo(() => ({ application, method, failed }), [application, method, failed]);
  return (
    <>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          setMethod(String(new FormData(event.currentTarget).get("method")).trim());
        }}
      >
        <ApplicationChoice
          texts={texts}
          applications={listed}
          value={application}
          onChange={setApplication}
        />
        <div class="field">
          <label for="method">{texts.method}</label>
          <input id="method" name="method" type="search" placeholder={texts.methodExample} />
        </div>
        <Tick id="failed" label={texts.failedOnly} checked={failed} onChange={setFailed} />
        <Tick id="live" label={texts.live} checked={live} onChange={setLive} />
      </form>
      <RequestList filter={filter} live={live} applications={listed} />
    </>
  );
}

function RequestList(props: {
  readonly filter: RequestFilter;
  readonly live: boolean;
  readonly applications: readonly Application[];
}) {
  const { filter, live, applications } = props;
  const { words, connection } = usePlace();
  const { requests: texts } = words;
  const pages = usePages(
    async (pageToken, signal) => {
      const page = await connection.requests.listRequests({ filter, pageToken, pageSize: 100 }, { signal });
      return { items: page.requests, nextPageToken: page.nextPageToken };
    },
    [connection, filter],
  );
  const items = pages.loaded.value?.items;
  // Before there is one, everything that comes is new.
  const newest = items && (items[0]?.position ?? 0n);
  const tail = useTail(live ? newest : undefined, filter);
  return (
    <Waited loaded={pages.loaded}>
      {(page) => {
        const requests = [...tail.requests, ...page.items];
        return (
          <>
            {tail.problem !== undefined && <ProblemNotice problem={tail.problem} />}
            <Failures requests={requests} />
            {requests.length === 0 ? (
              <p class="quiet">{texts.none}</p>
            ) : (
              <RequestTable requests={requests} applications={applications} />
            )}
            <More pages={pages} label={texts.more} />
            <p class="small quiet">{texts.note}</p>
          </>
        );
      }}
    </Waited>
  );
}

/** What has ended behind this position, the newest first; nothing while it is undefined. */
function useTail(newest: bigint | undefined, filter: RequestFilter) {
  const { connection } = usePlace();
  const [requests, setRequests] = useState<readonly LoggedRequest[]>([]);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    setRequests([]);
    setProblem(undefined);
    if (newest === undefined) return;
    const ending = new AbortController();
    const { signal } = ending;
    tailRequests(connection, {
      filter,
      resumeToken: String(newest),
      signal,
      onMore: (more) => setRequests((before) => [...more.toReversed(), ...before].slice(0, mostLive)),
    }).catch((error) => setProblem(problemOf(error)));
    return () => ending.abort();
  }, [connection, newest, filter]);
  return { requests, problem };
}

/** What failed, by what is to be done. */
function Failures({ requests }: { readonly requests: readonly LoggedRequest[] }) {
  const { words, formats } = usePlace();
  const { requests: texts } = words;
  const groups = failuresByReason(requests);
  if (groups.length === 0) return null;
  return (
    <section class="card stack-close">
      <h2>{texts.failures}</h2>
      <ul>
        {groups.map(({ reason, count, methods }) => (
          <li key={reason}>
            {formats.number(count)} × <ReasonLink reason={reason} />{" "}
            <span class="quiet">{methods.slice(0, 3).map(shortMethod).join(", ")}</span>
          </li>
        ))}
      </ul>
      <p class="small quiet">{texts.remedies}</p>
    </section>
  );
}

function RequestTable(props: {
  readonly requests: readonly LoggedRequest[];
  readonly applications: readonly Application[];
}) {
  const { requests, applications } = props;
  const { words, formats } = usePlace();
  const { requests: texts } = words;
  const today = formats.dayKey(Date.now());
  const names = new Map(applications.map(({ id, displayName }) => [id, displayName]));
  const columns = [
    texts.time,
    texts.outcome,
    texts.method,
    texts.duration,
    texts.who,
    texts.protocol,
    texts.request,
    texts.trace,
  ];
  return (
    <ScrolledTable caption={words.common.requests} columns={columns}>
      {requests.map((one) => {
        const time = one.startTime === undefined ? 0 : timestampMs(one.startTime);
        return (
          <tr key={String(one.position)}>
            <td>
              {formats.dayKey(time) === today ? "" : `${formats.day(time)}, `}
              {formats.second(time)}
            </td>
            <td>
              {one.reason === "" ? one.status : <ReasonLink reason={one.reason} />}
              {one.omitted > 0n && (
                <span class="reason quiet">{texts.omitted(formats.number(Number(one.omitted)))}</span>
              )}
            </td>
            <th scope="row">{shortMethod(one.method)}</th>
            <td class="number">{`${formats.number(one.durationMs, 1)} ms`}</td>
            <td>{one.application === "" ? texts.member : (names.get(one.application) ?? one.application)}</td>
            <td>{one.protocol}</td>
            <td>
              <code>{one.requestId}</code>
            </td>
            <td>
              <code>{one.traceId}</code>
            </td>
          </tr>
        );
      })}
    </ScrolledTable>
  );
}
