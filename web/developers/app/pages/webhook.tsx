import {
  type WebhookAttempt,
  WebhookAttempt_Outcome,
  type WebhookEndpoint,
  WebhookEndpoint_DisableReason,
  WebhookEndpoint_State,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import type { PageProps } from "@wellapi/ui/browser/routes";
import { useRef, useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { goTo, hrefOf } from "../location.ts";
import { CopiedText } from "../parts/copied-text.tsx";
import { ConfirmButton, DoButton, Heading, Notice, useDoing, Waited } from "../parts/notice.tsx";
import { AttemptOutcome, WebhookDeliveries } from "../parts/webhook-deliveries.tsx";
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
      <WebhookDeliveries endpoint={named} />
    </>
  );
}

function Endpoint({ endpoint }: { readonly endpoint: WebhookEndpoint }) {
  const { words, connection } = usePlace();
  const { webhooks: texts } = words;
  const { id, url, state, etag, failingSinceTime, disableReason } = endpoint;
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
      {disableReason !== WebhookEndpoint_DisableReason.UNSPECIFIED && (
        <Notice kind="warning">
          <p>{texts.disabled[disableReason]}</p>
        </Notice>
      )}
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
            <AttemptOutcome attempt={attempt} />
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
