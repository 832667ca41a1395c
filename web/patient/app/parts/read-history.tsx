import type { Access } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { type KnownOrganization, organizationOf } from "../api/organizations.ts";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { useEntries } from "../log/entries.ts";
import { happeningOf } from "../log/happening.ts";
import { readsByDay } from "../log/reads.ts";
import { ProblemNotice, Waited } from "./notice.tsx";
import { ReadSentence } from "./read-sentence.tsx";

/** So many entries of the organization at first, and for each press. */
const step = 200;

/** What an organization actually read: a line a day. */
export function ReadHistory({ organization }: { readonly organization: string }) {
  const { words, record } = usePlace();
  const { home } = words;
  const { connection } = record;
  const { loaded, loadMore, loadingMore, problem } = useEntries(connection, step, { organization });
  const known = useLoaded(() => organizationOf(connection, organization), [connection, organization]);
  return (
    <section class="card stack-close" aria-labelledby="history">
      <h2 id="history">{home.didRead}</h2>
      <Waited loaded={loaded}>
        {({ items, nextPageToken }) => {
          const accesses = items.flatMap(({ access }) => access ?? []);
          return (
            <>
              <Told
                accesses={accesses.filter((one) => one.organization === organization)}
                known={known.value}
              />
              {problem !== undefined && <ProblemNotice problem={problem} />}
              {accesses.length > 0 && nextPageToken !== "" && (
                <Further
                  oldest={msOf(accesses.at(-1)?.time)}
                  disabled={loadingMore || loaded.loading}
                  onPress={loadMore}
                />
              )}
            </>
          );
        }}
      </Waited>
    </section>
  );
}

/** Of one organization. */
function Told(props: {
  readonly accesses: readonly Access[];
  readonly known: KnownOrganization | undefined;
}) {
  const { words, formats } = usePlace();
  const { home } = words;
  const { accesses, known } = props;
  const reads = readsByDay(accesses, formats.dayKey);
  const refused = accesses.filter((access) => happeningOf(access).outcome === "refused").length;
  return (
    <>
      {reads.length === 0 && <p class="quiet">{home.didReadNone}</p>}
      {reads.length > 0 && (
        <ol class="timeline">
          {reads.map((read) => (
            <li key={read.day}>
              <ReadSentence read={read} known={known} />
            </li>
          ))}
        </ol>
      )}
      {refused > 0 && <p class="small">{home.refusedToo(refused)}</p>}
    </>
  );
}

function Further(props: { readonly oldest: number; readonly disabled: boolean; onPress(): void }) {
  const { words, formats } = usePlace();
  const { home } = words;
  return (
    <p class="small quiet">
      {home.lookedBack(formats.day(props.oldest))}{" "}
      <button type="button" class="link" disabled={props.disabled} onClick={props.onPress}>
        {home.lookFurther}
      </button>
    </p>
  );
}
