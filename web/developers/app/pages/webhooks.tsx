import { WebhookEndpoint_State } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useRef, useState } from "preact/hooks";
import { mayChange } from "../api/membership.ts";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { CopiedText } from "../parts/copied-text.tsx";
import { CreationForm } from "../parts/creation.tsx";
import { Heading, Notice, useDoing, Waited } from "../parts/notice.tsx";

/** Where the organization's events are delivered. */
export function Webhooks() {
  const { words, membership, connection } = usePlace();
  const { webhooks: texts } = words;
  const loaded = useLoaded(
    async (signal) => (await connection.webhooks.listWebhookEndpoints({}, { signal })).webhookEndpoints,
    [connection],
  );
  return (
    <>
      <Heading>{words.common.webhooks}</Heading>
      <p class="lead">{texts.lead}</p>
      {mayChange(membership) ? (
        <>
          <Waited loaded={loaded}>
            {(endpoints) =>
              endpoints.length === 0 ? (
                <p class="quiet">{texts.none}</p>
              ) : (
                <div class="card">
                  <ul class="rows">
                    {endpoints.map(({ id, url, state, failingSinceTime }) => (
                      <li key={id}>
                        <a class="breaks" href={hrefOf(`webhooks/${id}`)}>
                          {url}
                        </a>
                        <EndpointState state={state} failing={failingSinceTime !== undefined} />
                      </li>
                    ))}
                  </ul>
                </div>
              )
            }
          </Waited>
          <NewEndpoint />
        </>
      ) : (
        <Notice kind="warning">
          <p>{texts.rolesNeeded}</p>
        </Notice>
      )}
    </>
  );
}

export function EndpointState(props: { readonly state: WebhookEndpoint_State; readonly failing: boolean }) {
  const { webhooks: texts } = usePlace().words;
  if (props.state === WebhookEndpoint_State.PAUSED) return <span class="badge plain">{texts.paused}</span>;
  if (props.state === WebhookEndpoint_State.DISABLED)
    return <span class="badge warning">{texts.stopped}</span>;
  if (props.failing) return <span class="badge warning">{texts.failing}</span>;
  return <span class="badge success">{texts.enabled}</span>;
}

function NewEndpoint() {
  const { words, connection } = usePlace();
  const { webhooks: texts } = words;
  const [url, setUrl] = useState("");
  const [secret, setSecret] = useState("");
  const requestId = useRef(crypto.randomUUID());
  const doing = useDoing(async () => {
    const made = await connection.webhooks.createWebhookEndpoint({
      webhookEndpoint: { url },
      requestId: requestId.current,
    });
    requestId.current = crypto.randomUUID();
    setSecret(made.secret);
    tellChange();
  });
  return (
    <section class="card stack-close" aria-labelledby="new">
      <h2 id="new">{texts.create}</h2>
      <CreationForm doing={doing} action={texts.create}>
        <div class="field">
          <label for="url">{texts.url}</label>
          <input
            id="url"
            type="url"
            required
            maxLength={500}
            value={url}
            onInput={({ currentTarget }) => {
              setUrl(currentTarget.value);
              requestId.current = crypto.randomUUID();
            }}
          />
          <p class="hint">{texts.urlHint}</p>
        </div>
      </CreationForm>
      {secret !== "" && (
        <Notice kind="success">
          <p>{texts.secretOnce}</p>
          <CopiedText name={texts.secret} text={secret} />
        </Notice>
      )}
    </section>
  );
}
