import { type Access, Access_Phase, type LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { happeningOf } from "../log/happening.ts";
import { sentenceOf } from "../log/sentence.ts";

/** One entry of the log: a sentence, when it was, and on request everything that stands in it. */
export function EntryLine(props: {
  readonly entry: LoggedAccess;
  /** Of the organization that it names. */
  readonly name: string | undefined;
  /** As `happeningOf` takes it. */
  readonly ownAccount: string;
  readonly proven: boolean;
}) {
  const place = usePlace();
  const { entry, name, ownAccount, proven } = props;
  const { access } = entry;
  const says = place.words.log;
  if (access === undefined || access.method === "") {
    return (
      <>
        <p>{says.damaged}</p>
        <p class="quiet small">{entry.id}</p>
      </>
    );
  }
  const happening = happeningOf(access, ownAccount);
  const { outcome } = happening;
  return (
    <>
      <p>
        {sentenceOf(access, happening, name, place)}
        {proven && (
          <span class="badge success after" title={says.badgeTitle}>
            {says.badge}
          </span>
        )}
      </p>
      {outcome !== "done" && (
        <p class="small warning-text">
          <strong>{outcome === "refused" ? says.refused : says.undecided}.</strong>{" "}
          {outcome === "refused" ? says.refusedLead : says.undecidedLead}
        </p>
      )}
      {outcome === "done" && access.phase === Access_Phase.OPENED && <p class="small quiet">{says.opened}</p>}
      {access.phase === Access_Phase.CHANGED && <p class="small quiet">{says.changed}</p>}
      <Details access={access} />
    </>
  );
}

function Details({ access }: { readonly access: Access }) {
  const { words, formats } = usePlace();
  const { facts, details, always } = words.log;
  const time = msOf(access.time);
  const { startTime, endTime } = access.interval ?? {};
  const interval =
    startTime === undefined && endTime === undefined
      ? always
      : [startTime, endTime].map((one) => (one === undefined ? "…" : formats.moment(msOf(one)))).join(" – ");
  const rows: readonly (readonly [string, string | undefined])[] = [
    [facts.purpose, words.home.purposes[access.purpose]],
    [facts.interval, access.codes.length > 0 ? interval : undefined],
    [facts.reason, access.reason || undefined],
    [facts.method, access.method],
    [facts.id, access.id],
  ];
  return (
    <details class="small">
      <summary>
        <time class="quiet" dateTime={new Date(time).toISOString()}>
          {formats.nearDay(time, Date.now())}, {formats.second(time)}
        </time>
        <span class="more">{details}</span>
      </summary>
      <dl class="facts">
        <dt>{facts.time}</dt>
        <dd>{formats.moment(time)}</dd>
        {rows.map(
          ([term, text]) =>
            text !== undefined && (
              <>
                <dt key={term}>{term}</dt>
                <dd>{text}</dd>
              </>
            ),
        )}
      </dl>
    </details>
  );
}
