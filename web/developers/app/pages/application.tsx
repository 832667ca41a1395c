import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Credential, Credential_Kind } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import type { PageProps } from "@wellapi/ui/browser/routes";
import { mayChange } from "../api/membership.ts";
import { usePlace } from "../context.ts";
import { endOf } from "../credential-end.ts";
import { hrefOf } from "../location.ts";
import { NewCertificate } from "../parts/new-certificate.tsx";
import { NewKey } from "../parts/new-key.tsx";
import { ConfirmButton, Heading, useDoing, Waited } from "../parts/notice.tsx";
import { OAuthSection } from "../parts/oauth-client.tsx";

/** One application: what it signs in with, and a first call. */
export function ApplicationPage({ named }: PageProps) {
  const { words, membership, connection } = usePlace();
  const { application: texts } = words;
  const loaded = useLoaded(
    async (signal) => {
      const [found, listed] = await Promise.all([
        connection.organizations.getApplication({ application: named }, { signal }),
        connection.credentials.listCredentials({ application: named, pageSize: 200 }, { signal }),
      ]);
      return { application: found.application!, credentials: listed.credentials };
    },
    [connection, named],
  );
  return (
    <>
      <p>
        <a href={hrefOf("")}>{words.common.applications}</a>
      </p>
      <Waited loaded={loaded}>
        {({ application, credentials }) => (
          <>
            <Heading>{application.displayName}</Heading>
            <p class="quiet">
              <code>{application.id}</code>
            </p>
            <section class="stack-close" aria-labelledby="credentials">
              <h2 id="credentials">{texts.credentials}</h2>
              {credentials.length === 0 && <p class="quiet">{texts.none}</p>}
              <div class="card" hidden={credentials.length === 0}>
                <ul class="rows">
                  {credentials.map((one) => (
                    <CredentialRow key={one.id} credential={one} now={Date.now()} />
                  ))}
                </ul>
              </div>
            </section>
          </>
        )}
      </Waited>
      {mayChange(membership) && loaded.value !== undefined && (
        <>
          <NewKey application={named} />
          <NewCertificate application={named} />
        </>
      )}
      {loaded.value !== undefined && <OAuthSection application={loaded.value.application} />}
    </>
  );
}

function CredentialRow({ credential, now }: { readonly credential: Credential; readonly now: number }) {
  const { words, formats, membership, connection } = usePlace();
  const { application: texts } = words;
  const { id, kind, displayName, hint, useTime } = credential;
  const revoking = useDoing(async () => {
    await connection.credentials.revokeCredential({ credential: id });
    tellChange();
  });
  const { ends, revoked, expired, near } = endOf(credential, now);
  const over = revoked || expired;
  const name = kind === Credential_Kind.CERTIFICATE ? texts.certificate : texts.key;
  return (
    <li>
      <div class="stack-close">
        <p>
          <strong>{displayName || name}</strong> <span class="badge plain">{name}</span>{" "}
          {revoked && <span class="badge warning">{texts.revoked}</span>}
          {expired && <span class="badge warning">{texts.expired}</span>}
          {!over && near && <span class="badge warning">{texts.endsSoon}</span>}
        </p>
        <p class="small quiet">
          <code>{hint || id}</code>
          {ends !== undefined && ` · ${texts.until(formats.day(ends))}`}
          {` · ${useTime === undefined ? texts.neverUsed : texts.used(formats.day(timestampMs(useTime)))}`}
        </p>
        {!over && mayChange(membership) && (
          <ConfirmButton label={texts.revoke} question={texts.revokeAsk} doing={revoking} />
        )}
      </div>
    </li>
  );
}
