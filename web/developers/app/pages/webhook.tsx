import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type WebhookAttempt,
  WebhookAttempt_Outcome,
  type WebhookDelivery,
  WebhookDelivery_State,
  type WebhookEndpoint,
  WebhookEndpoint_State,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { usePages } from "@wellapi/ui/browser/pages";
import type { PageProps } from "@wellapi/ui/browser/routes";
import { useRef, useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { goTo, hrefOf } from "../location.ts";
import { CopiedText } from "../parts/copied-text.tsx";
import { More } from "../parts/more.tsx";
import { ConfirmButton, DoButton, Heading, Notice, useDoing, Waited } from "../parts/notice.tsx";
import { EndpointState } from "./webhooks.tsx";

/** One endpoint, and what became of each delivery. */
export function Webhook({ named }: PageProps) {
  const { words, connection } = usePlace();
  const loaded = useLoaded(
    async (signal) => {
      const found = await connection.webhooks.getWebhookEndpoint({ webhookEndpoint: named }, { signal });
      return found.webhookEndpoint!;
    },
    [connection, named],
  );
  return (
    <>
      <p>
        <a href={hrefOf("webhooks")}>{words.common.webhooks}</a>
      </p>
      <Heading>{words.webhooks.endpoint}</Heading>
      <Waited loaded={loaded}>{(endpoint) => <Endpoint endpoint={endpoint} />}</Waited>
      <Deliveries endpoint={named} />
    </>
  );
}

function Endpoint({ endpoint }: { readonly endpoint: WebhookEndpoint }) {
  const { words, connection } = usePlace();
  const { webhooks: texts } = words;
  const { id, url, state, etag, failingSinceTime } = endpoint;
  const [secret, setSecret] = useState("");
  const [attempt, setAttempt] = useState<WebhookAttempt>();
  const requestId = useRef(crypto.randomUUID());
  const testing = useDoing(async () => {
    setAttempt((await connection.webhooks.testWebhookEndpoint({ webhookEndpoint: id })).attempt);
  });
  const enabled = state === WebhookEndpoint_State.ENABLED;
  const switching = useDoing(async () => {
    const next = enabled ? WebhookEndpoint_State.PAUSED : WebhookEndpoint_State.ENABLED;
    await connection.webhooks.updateWebhookEndpoint({
      webhookEndpoint: { id, state: next, etag },
      updateMask: { paths: ["state"] },
    });
    tellChange();
  });
  const rotating = useDoing(async () => {
    const asked = { webhookEndpoint: id, requestId: requestId.current };
    setSecret((await connection.webhooks.rotateWebhookSecret(asked)).secret);
    requestId.current = crypto.randomUUID();
  });
  const deleting = useDoing(async () => {
    await connection.webhooks.deleteWebhookEndpoint({ webhookEndpoint: id });
    goTo("webhooks");
  });
  return (
    <section class="card stack-close" aria-label={texts.endpoint}>
      <p>
        <code class="breaks">{url}</code>{" "}
        <EndpointState state={state} failing={failingSinceTime !== undefined} />
      </p>
      <div class="actions">
        <DoButton doing={testing}>{texts.test}</DoButton>
        <DoButton kind="second" doing={switching}>
          {enabled ? texts.pause : texts.enable}
        </DoButton>
        <ConfirmButton label={texts.rotate} question={texts.rotateAsk} doing={rotating} />
        <ConfirmButton label={texts.remove} question={texts.removeAsk} doing={deleting} />
      </div>
      {attempt !== undefined && (
        <Notice kind={attempt.outcome === WebhookAttempt_Outcome.TAKEN ? "success" : "warning"}>
          <p>
            <Attempt attempt={attempt} />
          </p>
        </Notice>
      )}
      {secret !== "" && (
        <Notice kind="success">
          <p>{texts.secretOnce}</p>
          <CopiedText name={texts.secret} text={secret} />
        </Notice>
      )}
    </section>
  );
}

function Attempt({ attempt }: { readonly attempt: WebhookAttempt }) {
  const { words, formats } = usePlace();
  const { latency, statusCode, outcome } = attempt;
  const ms = Number(latency?.seconds ?? 0n) * 1_000 + (latency?.nanos ?? 0) / 1e6;
  const status = statusCode === 0 ? "" : ` ${statusCode}`;
  return <>{`${words.webhooks.outcomes[outcome]}${status}, ${formats.number(ms)} ms`}</>;
}

function Deliveries({ endpoint }: { readonly endpoint: string }) {
  const { words, connection } = usePlace();
  const { webhooks: texts } = words;
  const pages = usePages(
    async (pageToken, signal) => {
      const asked = { webhookEndpoint: endpoint, pageToken, pageSize: 50 };
      const page = await connection.webhooks.listWebhookDeliveries(asked, { signal });
      return { items: page.webhookDeliveries, nextPageToken: page.nextPageToken };
    },
    [connection, endpoint],
  );
  return (
    <section class="stack-close" aria-labelledby="deliveries">
      <h2 id="deliveries">{texts.deliveries}</h2>
      <Waited loaded={pages.loaded}>
        {({ items }) => (
          <>
            {items.length === 0 && <p class="quiet">{texts.noDeliveries}</p>}
            <div class="card" hidden={items.length === 0}>
              <ul class="rows">
                {items.map((delivery) => (
                  <Delivery key={delivery.event} endpoint={endpoint} delivery={delivery} />
                ))}
              </ul>
            </div>
            <More pages={pages} label={texts.more} />
          </>
        )}
      </Waited>
    </section>
  );
}

function Delivery(props: { readonly endpoint: string; readonly delivery: WebhookDelivery }) {
  const { words, formats, connection } = usePlace();
  const { webhooks: texts } = words;
  const { event, state, createTime, attempts, attemptCount } = props.delivery;
  const retrying = useDoing(async () => {
    await connection.webhooks.retryWebhookDelivery({ webhookEndpoint: props.endpoint, event });
    tellChange();
  });
  const last = attempts.at(-1);
  return (
    <li>
      <div class="stack-close">
        <p>
          <code class="breaks">{event}</code>{" "}
          <span class={`badge ${state === WebhookDelivery_State.DELIVERED ? "success" : "plain"}`}>
            {texts.states[state]}
          </span>
        </p>
        <p class="small quiet">
          {createTime !== undefined && formats.moment(timestampMs(createTime))}
          {` · ${texts.attempts(formats.number(attemptCount))}`}
          {last !== undefined && " · "}
          {last !== undefined && <Attempt attempt={last} />}
        </p>
        <p class="actions">
          <DoButton kind="second" doing={retrying}>
            {texts.retry}
          </DoButton>
        </p>
      </div>
    </li>
  );
}
