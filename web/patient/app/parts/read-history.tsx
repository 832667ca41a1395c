import { useEffect, useState } from "preact/hooks";
import { useLoaded } from "../api/loaded.ts";
import { organizationOf } from "../api/organizations.ts";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { entriesOf } from "../log/entries.ts";
import { happeningOf } from "../log/happening.ts";
import { readsByDay } from "../log/reads.ts";
import { Waited } from "./notice.tsx";
import { ReadSentence } from "./read-sentence.tsx";

/** The contract has no filter by organization: so many entries of all are looked through at first, and again for each press. */
const step = 1_000;

/** What an organization actually read: a line a day. */
export function ReadHistory({ organization }: { readonly organization: string }) {
  const place = usePlace();
  const { words, formats, record } = place;
  const { home } = words;
  const [most, setMost] = useState(step);
  useEffect(() => setMost(step), [organization]);
  const loaded = useLoaded(
    async (signal) => {
      const { entries, nextPageToken } = await entriesOf(record.connection, { most }, signal);
      const accesses = entries.flatMap(({ access }) => access ?? []);
      const own = accesses.filter((access) => access.organization === organization);
      return {
        reads: readsByDay(own, formats.dayKey),
        refused: own.filter((access) => happeningOf(access).outcome === "refused").length,
        oldest: msOf(accesses.at(-1)?.time),
        more: nextPageToken !== "",
        known: await organizationOf(record.connection, organization),
      };
    },
    [record.connection, organization, most],
  );
  return (
    <section class="card stack-close" aria-labelledby="history">
      <h2 id="history">{home.didRead}</h2>
      <Waited loaded={loaded}>
        {({ reads, refused, oldest, more, known }) => (
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
            {oldest > 0 && more && (
              <p class="small quiet">
                {home.lookedBack(formats.day(oldest))}{" "}
                <button type="button" class="link" onClick={() => setMost(most + step)}>
                  {home.lookFurther}
                </button>
              </p>
            )}
          </>
        )}
      </Waited>
    </section>
  );
}
