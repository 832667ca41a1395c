import { useLoaded } from "@wellapi/ui/browser/loaded";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { Heading } from "../parts/heading.tsx";
import { Waited } from "../parts/notice.tsx";
import { PartCard } from "../parts/part-card.tsx";

/** A confirmation that ends within this time is no use any more. */
const leastFreshMs = 20_000;

/** The whole record as one file, or a part of it. Files are another surface's, which asks again who wants them. */
export function Downloads() {
  const { words, record } = usePlace();
  const { download } = words.places;
  const fresh = useLoaded(
    async (signal) => {
      const { sessions } = await record.account.account.listSessions({}, { signal });
      const current = sessions.find((one) => one.current);
      return msOf(current?.freshUntil) - Date.now() > leastFreshMs;
    },
    [record],
  );
  return (
    <>
      <Heading>{download.title}</Heading>
      <section class="card stack">
        <p>
          {download.lead} {download.holds}
        </p>
        <p>
          {download.keep} {download.noted}
        </p>
        <Waited loaded={fresh}>
          {(isFresh) =>
            isFresh ? (
              <>
                <p>
                  <a class="button" href={`/download/${record.patient}`} download>
                    {download.begin}
                  </a>
                </p>
                <p class="small quiet">{download.minutes}</p>
              </>
            ) : (
              <>
                <p>{download.confirmFirst}</p>
                <p>
                  <a class="button" href={`/step-up?continue=${encodeURIComponent(location.pathname)}`}>
                    {download.confirm}
                  </a>
                </p>
              </>
            )
          }
        </Waited>
      </section>
      <PartCard />
    </>
  );
}
