import { Application_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useRef, useState } from "preact/hooks";
import { mayChange } from "../api/membership.ts";
import { usePlace } from "../context.ts";
import { goTo, hrefOf } from "../location.ts";
import { CreationForm } from "../parts/creation.tsx";
import { EndingCredentials } from "../parts/ending-credentials.tsx";
import { Heading, Notice, useDoing, Waited } from "../parts/notice.tsx";

/** The organization's applications, and how far the organization itself is. */
export function Applications() {
  const { words, membership, connection } = usePlace();
  const { applications } = words;
  const { organization } = membership;
  const loaded = useLoaded(
    async (signal) => {
      const [found, listed] = await Promise.all([
        connection.organizations.getOrganization({ organization }, { signal }),
        connection.organizations.listApplications({ organization, pageSize: 1_000 }, { signal }),
      ]);
      return { verified: found.organization?.verification !== undefined, listed: listed.applications };
    },
    [connection],
  );
  return (
    <>
      <Heading>{words.common.applications}</Heading>
      <p class="lead">{applications.lead}</p>
      <Waited loaded={loaded}>
        {({ verified, listed }) => (
          <>
            {!verified && (
              <Notice kind="warning">
                <p>{applications.unverified}</p>
              </Notice>
            )}
            <EndingCredentials applications={listed} />
            {listed.length === 0 ? (
              <p class="quiet">{applications.none}</p>
            ) : (
              <div class="card">
                <ul class="rows">
                  {listed.map(({ id, displayName, state }) => (
                    <li key={id}>
                      <span>
                        <a href={hrefOf(`applications/${id}`)}>{displayName}</a>{" "}
                        <code class="quiet small">{id}</code>
                      </span>
                      {state === Application_State.DISABLED && (
                        <span class="badge warning">{applications.disabled}</span>
                      )}
                    </li>
                  ))}
                </ul>
              </div>
            )}
          </>
        )}
      </Waited>
      {mayChange(membership) && <NewApplication />}
    </>
  );
}

function NewApplication() {
  const { words, membership, connection } = usePlace();
  const { applications } = words;
  const [displayName, setName] = useState("");
  // The same for each try, so that a try whose answer was lost makes no second application.
  const requestId = useRef(crypto.randomUUID());
  const doing = useDoing(async () => {
    const asked = { organization: membership.organization, displayName };
    const { application } = await connection.organizations.createApplication({
      application: asked,
      requestId: requestId.current,
    });
    goTo(`applications/${application!.id}`);
  });
  return (
    <section class="card stack-close" aria-labelledby="new">
      <h2 id="new">{applications.create}</h2>
      <CreationForm doing={doing} action={applications.create}>
        <div class="field">
          <label for="name">{applications.name}</label>
          <input
            id="name"
            required
            maxLength={100}
            value={displayName}
            onInput={({ currentTarget }) => {
              setName(currentTarget.value);
              requestId.current = crypto.randomUUID();
            }}
          />
          <p class="hint">{applications.nameHint}</p>
        </div>
      </CreationForm>
    </section>
  );
}
