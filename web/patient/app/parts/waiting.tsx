import { ConsentRequest_State } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { organizationsOf } from "../api/organizations.ts";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { Waited } from "./notice.tsx";

/** What organizations ask for, and nobody has answered. */
export function Waiting() {
  const { words, formats, record } = usePlace();
  const { home, requests, common } = words;
  const { connection } = record;
  const loaded = useLoaded(
    async (signal) => {
      const asked = { pageSize: 100, states: [ConsentRequest_State.OPEN] };
      const { consentRequests } = await connection.requests.listConsentRequests(asked, { signal });
      const names = await organizationsOf(
        connection,
        consentRequests.map(({ organization }) => organization),
      );
      return { open: consentRequests, names };
    },
    [connection],
  );
  // What is still asked for moves nothing on the page.
  if (loaded.value === undefined && loaded.problem === undefined) return null;
  return (
    <Waited loaded={loaded}>
      {({ open, names }) =>
        open.length > 0 && (
          <section class="card stack-close asks" aria-labelledby="waiting">
            <h2 id="waiting">{home.waiting}</h2>
            <ul class="rows">
              {open.map(({ id, organization, expireTime }) => (
                <li key={id}>
                  <span>
                    {requests.asksUntil(
                      names.get(organization)?.name ?? common.unknownOrganization,
                      formats.day(msOf(expireTime)),
                    )}
                  </span>
                  <a class="button slim" href={hrefOf(`requests/${id}`)}>
                    {requests.look}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        )
      }
    </Waited>
  );
}
