import type { Application } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import {
  OAuthClient_GrantType as GrantType,
  OAuthClient_TokenEndpointAuthMethod as Method,
  type OAuthClient,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useState } from "preact/hooks";
import { mayChange } from "../api/membership.ts";
import { usePlace } from "../context.ts";
import { usualCategories } from "../usual-categories.ts";
import { CreationForm } from "./creation.tsx";
import { useDoing } from "./notice.tsx";

/** How the application takes part in OAuth, or the form by which it will. */
export function OAuthSection({ application }: { readonly application: Application }) {
  const { words, membership } = usePlace();
  const { oauth: texts } = words;
  return (
    <section class="card stack-close" aria-labelledby="oauth">
      <h2 id="oauth">{texts.title}</h2>
      <p>{texts.lead}</p>
      {application.oauth !== undefined && <Registered id={application.id} client={application.oauth} />}
      {application.oauth === undefined && mayChange(membership) && <Registration application={application} />}
      <p>
        <a href="/docs/scopes">{texts.scopesPage}</a>
      </p>
    </section>
  );
}

function Registered({ id, client }: { readonly id: string; readonly client: OAuthClient }) {
  const { oauth: texts } = usePlace().words;
  const keys = keyIdsOf(client.jwks);
  return (
    <dl class="facts">
      <dt>client_id</dt>
      <dd>
        <code>{id}</code>
      </dd>
      <dt>token_endpoint_auth_method</dt>
      <dd>
        <code>{Method[client.tokenEndpointAuthMethod].toLowerCase()}</code>
      </dd>
      <dt>grant_types</dt>
      <dd>
        <Codes values={client.grantTypes.map((one) => GrantType[one].toLowerCase())} />
      </dd>
      {client.redirectUris.length > 0 && (
        <>
          <dt>redirect_uris</dt>
          <dd>
            <Codes values={client.redirectUris} />
          </dd>
        </>
      )}
      {keys.length > 0 && (
        <>
          <dt>{texts.keys}</dt>
          <dd>
            <Codes values={keys} />
          </dd>
        </>
      )}
      <dt>scope</dt>
      <dd>
        <Codes values={client.scopes} />
      </dd>
      <dt>{texts.configuration}</dt>
      <dd>
        <a class="breaks" href="/.well-known/openid-configuration">
          {location.origin}/.well-known/openid-configuration
        </a>
      </dd>
    </dl>
  );
}

function Codes({ values }: { readonly values: readonly string[] }) {
  return (
    <>
      {values.map((value) => (
        <div key={value}>
          <code class="breaks">{value}</code>
        </div>
      ))}
    </>
  );
}

function keyIdsOf(jwks: string): readonly string[] {
  if (jwks === "") return [];
  return (JSON.parse(jwks) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
}

type Kind = "backend" | "app";

const usualScopes: Readonly<Record<Kind, string>> = {
  backend: "system/Observation.rs",
  app: "openid offline_access patient/Observation.rs",
};
const words = (text: string): string[] => text.split(/\s+/).filter((one) => one !== "");

function Registration({ application }: { readonly application: Application }) {
  const { words: all, connection } = usePlace();
  const { oauth: texts } = all;
  const [kind, setKind] = useState<Kind>("backend");
  const [address, setAddress] = useState("");
  const [jwks, setJwks] = useState("");
  const [why, setWhy] = useState("");
  const [scopes, setScopes] = useState(usualScopes.backend);
  const doing = useDoing(async () => {
    await connection.organizations.updateApplication({
      application: {
        id: application.id,
        etag: application.etag,
        oauth: {
          scopes: words(scopes),
          ...(kind === "backend"
            ? {
                tokenEndpointAuthMethod: Method.PRIVATE_KEY_JWT,
                grantTypes: [GrantType.CLIENT_CREDENTIALS],
                jwks,
              }
            : {
                tokenEndpointAuthMethod: Method.NONE,
                grantTypes: [GrantType.AUTHORIZATION_CODE],
                redirectUris: words(address),
                connectTerms: {
                  directions: [Direction.READ],
                  categories: [...usualCategories],
                  purposes: [Purpose.TREATMENT],
                  resolution: Resolution.RAW,
                  why,
                },
              }),
        },
      },
      updateMask: { paths: ["oauth"] },
    });
    tellChange();
  });
  return (
    <CreationForm doing={doing} action={texts.register}>
      <div class="field">
        <label for="oauth-kind">{texts.kind}</label>
        <select
          id="oauth-kind"
          value={kind}
          onChange={({ currentTarget }) => {
            const chosen = currentTarget.value as Kind;
            setKind(chosen);
            setScopes(usualScopes[chosen]);
          }}
        >
          <option value="backend">{texts.backend}</option>
          <option value="app">{texts.app}</option>
        </select>
      </div>
      {kind === "backend" ? (
        <div class="field">
          <label for="oauth-jwks">JWKS</label>
          <textarea
            id="oauth-jwks"
            required
            rows={6}
            maxLength={32_768}
            spellcheck={false}
            value={jwks}
            onInput={({ currentTarget }) => setJwks(currentTarget.value)}
          />
          <p class="hint">{texts.jwksHint}</p>
        </div>
      ) : (
        <>
          <div class="field">
            <label for="oauth-redirects">{texts.redirects}</label>
            <textarea
              id="oauth-redirects"
              required
              rows={2}
              spellcheck={false}
              value={address}
              onInput={({ currentTarget }) => setAddress(currentTarget.value)}
            />
            <p class="hint">{texts.redirectsHint}</p>
          </div>
          <div class="field">
            <label for="oauth-why">{texts.why}</label>
            <input
              id="oauth-why"
              required
              maxLength={500}
              value={why}
              onInput={({ currentTarget }) => setWhy(currentTarget.value)}
            />
            <p class="hint">{texts.whyHint}</p>
          </div>
        </>
      )}
      <div class="field">
        <label for="oauth-scopes">{texts.scopes}</label>
        <input
          id="oauth-scopes"
          required
          spellcheck={false}
          value={scopes}
          onInput={({ currentTarget }) => setScopes(currentTarget.value)}
        />
      </div>
    </CreationForm>
  );
}
