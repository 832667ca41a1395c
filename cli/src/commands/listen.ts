import { createClient, watchEvents } from "@wellapi/client";
import { type Event, EventSchema, EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";
import { createWebhookForwarder, typeOf, type WebhookForwarder } from "../webhook-forwarder.ts";

interface ListenOptions {
  readonly resume?: string;
  readonly forwardTo?: string;
}

export function addListen(program: Command, io: Io): void {
  addConnectionOptions(program.command("listen"), io)
    .description(
      "print what becomes of the organization's consents, requests, obligations and patients' rights, until Ctrl-C; connects again where it was cut",
    )
    .option(
      "--resume <token>",
      "go on where an earlier listener stopped: the token that it printed at its end",
    )
    .option(
      "--forward-to <url>",
      "also send each event as a signed webhook (Standard Webhooks), up to five times",
    )
    .addHelpText(
      "after",
      "\nExample: wellapi listen --credentials ./clinic --forward-to http://localhost:3000/hook\n" +
        "The secret of the signatures is printed at the start; WELLAPI_WEBHOOK_SECRET sets another.",
    )
    .action(async ({ resume = "", forwardTo }: ListenOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const output = createOutput(io, settings.json);
      const { WELLAPI_WEBHOOK_SECRET: secret } = io.env;
      const forwarder =
        forwardTo === undefined ? undefined : createWebhookForwarder(forwardTo, secret ? { secret } : {});
      const client = createClient(EventService, await connect(settings));
      const signal = io.interrupted();
      if (forwarder) output.note(`webhooks to ${forwardTo} are signed with ${forwarder.secret}`);
      const messages = watchEvents(client, {
        resumeToken: resume,
        signal,
        onCut: ({ message }) => output.note(`${message}; connecting again`),
      });
      let reached = resume;
      for await (const { events, resumeToken } of messages) {
        if (reached === "") output.note("waiting for events; Ctrl-C ends it");
        const handled = await handleAll(events, { output, forwarder, signal });
        if (!handled) break;
        reached = resumeToken;
      }
      if (reached !== "") output.note(`to go on from here: --resume ${reached}`);
    });
}

interface Handling {
  readonly output: Output;
  readonly forwarder: WebhookForwarder | undefined;
  readonly signal: AbortSignal;
}

/** In their order. False where Ctrl-C came before the last: they come again to who resumes. */
async function handleAll(
  events: readonly Event[],
  { output, forwarder, signal }: Handling,
): Promise<boolean> {
  for (const event of events) {
    output.message(EventSchema, event, () => textOf(event));
    if (forwarder === undefined) continue;
    try {
      const { taken, said } = await forwarder.forward(event, signal);
      output.note(`${event.id} ${taken ? "taken" : "GIVEN UP"}: ${said}`);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
  return true;
}

function textOf(event: Event): string {
  const about = event.consent || event.consentRequest || event.deletionObligation || event.rightsRequest;
  return `${timeText(event.eventTime)} ${typeOf(event)} ${about} ${event.patient}`;
}
