import type { Application, Credential } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { usePlace } from "../context.ts";
import { endOf } from "../credential-end.ts";
import { hrefOf } from "../location.ts";
import { Notice } from "./notice.tsx";

/** A call each: whoever has more applications sees the others' on their pages. */
const mostApplications = 20;

/** The credentials of the applications that end soon, or have ended lately. Nothing where there are none, or nobody can say. */
export function EndingCredentials({ applications }: { readonly applications: readonly Application[] }) {
  const { words, formats, connection } = usePlace();
  const { applications: texts } = words;
  const { value = [] } = useLoaded(
    async (signal) => {
      const looked = applications.slice(0, mostApplications);
      const listed = await Promise.all(
        looked.map(({ id }) =>
          connection.credentials.listCredentials({ application: id, pageSize: 200 }, { signal }),
        ),
      );
      return listed.flatMap(({ credentials }, i) =>
        credentials.map((one) => ({ one, of: looked[i]!, others: credentials })),
      );
    },
    [connection, applications.map(({ id }) => id).join()],
  );
  const now = Date.now();
  const near = value.filter(({ one, others }) => isTold(one, others, now));
  if (near.length === 0) return null;
  const when = (one: Credential): string => {
    const { ends = 0, expired } = endOf(one, now);
    return (expired ? texts.endedOn : texts.endsOn)(formats.day(ends));
  };
  return (
    <Notice kind="warning">
      <p>{texts.endsLead}</p>
      <ul>
        {near.map(({ one, of }) => (
          <li key={one.id}>
            <a href={hrefOf(`applications/${of.id}`)}>{of.displayName}</a>
            {`: ${one.displayName || one.hint || one.id} · ${when(one)}`}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** One that has ended is told of until there is another one of its kind. */
function isTold(one: Credential, others: readonly Credential[], now: number): boolean {
  const { near, expired } = endOf(one, now);
  const isGood = (other: Credential): boolean => {
    const { revoked, expired: over } = endOf(other, now);
    return other.kind === one.kind && !revoked && !over;
  };
  return near && !(expired && others.some(isGood));
}
