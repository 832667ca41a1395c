import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type WebhookAttempt,
  type WebhookDelivery,
  WebhookDelivery_State,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { usePages } from "@wellapi/ui/browser/pages";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { webhookBodyShape } from "../webhook-body.ts";
import { CopiedText } from "./copied-text.tsx";
import { CreationForm } from "./creation.tsx";
import { More } from "./more.tsx";
import { DoButton, Notice, useDoing, Waited } from "./notice.tsx";

/** In the order of the choice; unspecified is all of them. */
const shownStates = [
  WebhookDelivery_State.UNSPECIFIED,
  WebhookDelivery_State.WAITING,
  WebhookDelivery_State.DELIVERED,
  WebhookDelivery_State.FAILED,
  WebhookDelivery_State.WITHHELD,
] as const;

/** What became of each event at one endpoint, and how one or all of them are delivered again. */
export function WebhookDeliveries({ endpoint }: { readonly endpoint: string }) {
  const { words, connection } = usePlace();
  const { webhooks: texts } = words;
  const [state, setState] = useState(WebhookDelivery_State.UNSPECIFIED);
  const pages = usePages(
    async (pageToken, signal) => {
      const asked = { webhookEndpoint: endpoint, pageToken, pageSize: 50, state };
      const page = await connection.webhooks.listWebhookDeliveries(asked, { signal });
      return { items: page.webhookDeliveries, nextPageToken: page.nextPageToken };
    },
    [connection, endpoint, state],
  );
  return (
    <section class="stack-close" aria-labelledby="deliveries">
      <h2 id="deliveries">{texts.deliveries}</h2>
      <Choice
        id="delivery-state"
        label={texts.state}
        value={String(state)}
        options={shownStates.map((one) => [String(one), texts.states[one] || texts.allStates])}
        onChange={(one) => setState(Number(one))}
      />
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
      <Replay endpoint={endpoint} />
    </section>
  );
}

function Delivery(props: { readonly endpoint: string; readonly delivery: WebhookDelivery }) {
  const { words, formats, connection } = usePlace();
  const { webhooks: texts } = words;
  const { event, state, createTime, attempts, attemptCount, nextAttemptTime } = props.delivery;
  const retrying = useDoing(async () => {
    await connection.webhooks.retryWebhookDelivery({ webhookEndpoint: props.endpoint, event });
    tellChange();
  });
  const last = attempts.at(-1);
  const shape = webhookBodyShape(props.delivery);
  return (
    <li>
      <div class="stack-close">
        <p>
          <code class="breaks">{event}</code>{" "}
          <span class={`badge ${badges[state] ?? "plain"}`}>{texts.states[state]}</span>
        </p>
        <p class="small quiet">
          {createTime !== undefined && formats.moment(timestampMs(createTime))}
          {` · ${texts.attempts(formats.number(attemptCount))}`}
          {last !== undefined && " · "}
          {last !== undefined && <AttemptOutcome attempt={last} />}
          {nextAttemptTime !== undefined && ` · ${texts.next(formats.moment(timestampMs(nextAttemptTime)))}`}
        </p>
        {shape !== undefined && (
          <details>
            <summary>{texts.body}</summary>
            <p class="small quiet">{texts.bodyHint}</p>
            <CopiedText name={texts.body} text={shape} />
          </details>
        )}
        <p class="actions">
          <DoButton kind="second" doing={retrying}>
            {texts.retry}
          </DoButton>
        </p>
      </div>
    </li>
  );
}

const badges: Readonly<Partial<Record<WebhookDelivery_State, string>>> = {
  [WebhookDelivery_State.DELIVERED]: "success",
  [WebhookDelivery_State.FAILED]: "warning",
};

/** What came of a try: outcome, status, latency. */
export function AttemptOutcome({ attempt }: { readonly attempt: WebhookAttempt }) {
  const { words, formats } = usePlace();
  const { latency, statusCode, outcome } = attempt;
  const ms = Number(latency?.seconds ?? 0n) * 1_000 + (latency?.nanos ?? 0) / 1e6;
  const status = statusCode === 0 ? "" : ` ${statusCode}`;
  return <>{`${words.webhooks.outcomes[outcome]}${status}, ${formats.number(ms)} ms`}</>;
}

/** All events since a time, in their order, whatever became of them: for a receiver that has lost some. */
function Replay({ endpoint }: { readonly endpoint: string }) {
  const { words, connection } = usePlace();
  const { webhooks: texts } = words;
  const [since, setSince] = useState("");
  const [done, setDone] = useState(false);
  const doing = useDoing(async () => {
    setDone(false);
    // The field has no zone: it is the reader's, as all times of these pages are.
    const startTime = timestampFromMs(new Date(since).getTime());
    const from = { case: "startTime", value: startTime } as const;
    await connection.webhooks.replayWebhookEvents({ webhookEndpoint: endpoint, from });
    setDone(true);
    tellChange();
  });
  return (
    <section class="card stack-close" aria-labelledby="replay">
      <h3 id="replay">{texts.replay}</h3>
      <CreationForm doing={doing} action={texts.replayAction}>
        <div class="field">
          <label for="since">{texts.replaySince}</label>
          <input
            id="since"
            type="datetime-local"
            required
            aria-describedby="since-hint"
            value={since}
            onInput={({ currentTarget }) => setSince(currentTarget.value)}
          />
          <p class="hint" id="since-hint">
            {texts.replayHint}
          </p>
        </div>
      </CreationForm>
      {done && (
        <Notice kind="success">
          <p>{texts.replayed}</p>
        </Notice>
      )}
    </section>
  );
}
