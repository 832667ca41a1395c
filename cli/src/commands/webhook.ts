import { randomUUID } from "node:crypto";
import { durationFromMs, durationMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import type { Event_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import {
  CreateWebhookEndpointResponseSchema,
  DeleteWebhookEndpointResponseSchema,
  WebhookAttempt_Outcome as Outcome,
  WebhookEndpoint_DisableReason as Reason,
  RotateWebhookSecretResponseSchema,
  WebhookDelivery_State as State,
  TestWebhookEndpointResponseSchema,
  type WebhookAttempt,
  type WebhookDelivery,
  WebhookDeliverySchema,
  type WebhookEndpoint,
  WebhookEndpointSchema,
  WebhookService,
  WebhookEndpoint_State as Whether,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import type { Command } from "commander";
import { count, instant, nameOf, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";
import { eventTypes, typeOf } from "../webhook-forwarder.ts";

const HOUR_MS = 3_600_000;

const states = {
  enabled: Whether.ENABLED,
  paused: Whether.PAUSED,
  disabled: Whether.DISABLED,
} as const;
const settable = { enabled: Whether.ENABLED, paused: Whether.PAUSED } as const;
const reasons = {
  "": Reason.UNSPECIFIED,
  ": it took nothing for five days": Reason.FAILING,
  ": it said that it is gone": Reason.GONE,
  ": events that it has not got are not kept any more": Reason.EVENTS_MISSED,
} as const;
const deliveryStates = {
  waiting: State.WAITING,
  delivered: State.DELIVERED,
  failed: State.FAILED,
  withheld: State.WITHHELD,
} as const;
const outcomes = {
  taken: Outcome.TAKEN,
  refused: Outcome.REFUSED,
  "redirected, which is not followed": Outcome.REDIRECTED,
  "no answer in time": Outcome.TIMED_OUT,
  "no connection": Outcome.NOT_CONNECTED,
  "its name leads to no public address": Outcome.ADDRESS_REFUSED,
} as const;

/** An organization's endpoints, to which the exchange delivers events. */
export function addWebhook(program: Command, io: Io): void {
  const group = program
    .command("webhook")
    .description("an organization's endpoints, to which the exchange delivers signed events");
  addCreate(group, io);
  addList(group, io);
  addGet(group, io);
  addUpdate(group, io);
  addDelete(group, io);
  addRotate(group, io);
  addDeliveries(group, io);
  addRetry(group, io);
  addReplay(group, io);
  addTest(group, io);
}

const webhooksOf = async (settings: Settings) => createClient(WebhookService, await connect(settings));

const kindOption = () => wordOption("--kind <word...>", "only events of these kinds", eventTypes);

function addCreate(group: Command, io: Io): void {
  addConnectionOptions(group.command("create <url>"), io)
    .description(
      "create an endpoint, which gets what comes from now on; prints the secret with which it verifies",
    )
    .addOption(kindOption())
    .option("--description <text>", "for people")
    .option("--request-id <id>", "sending it again gives the same endpoint, and for 24 hours its secret")
    .addHelpText(
      "after",
      "\nExample: wellapi webhook create https://hooks.clinic.example/wellapi --credentials ./clinic",
    )
    .action(
      async (
        url: string,
        options: { kind?: Kind[]; description?: string; requestId?: string },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const { kind: kinds = [], description = "", requestId = randomUUID() } = options;
        const client = await webhooksOf(settings);
        const webhookEndpoint = { url, kinds, description };
        const answer = await client.createWebhookEndpoint({ webhookEndpoint, requestId });
        createOutput(io, settings.json).message(CreateWebhookEndpointResponseSchema, answer, () =>
          secretText(answer),
        );
      },
    );
}

function addList(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list endpoints")
    .addHelpText("after", "\nExample: wellapi webhook list --credentials ./clinic")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const { webhookEndpoints } = await (await webhooksOf(settings)).listWebhookEndpoints({});
      createOutput(io, settings.json).rows(
        WebhookEndpointSchema,
        webhookEndpoints,
        ["endpoint", "url", "state", "fails since", "kinds", "description"],
        (one) => [
          one.id,
          one.url,
          nameOf(states, one.state),
          timeText(one.failingSinceTime),
          one.kinds.map((kind) => typeOf({ kind })).join(", ") || "all",
          one.description,
        ],
      );
    });
}

function addGet(group: Command, io: Io): void {
  addConnectionOptions(group.command("get <endpoint>"), io)
    .description("show an endpoint")
    .addHelpText("after", "\nExample: wellapi webhook get whe_... --credentials ./clinic")
    .action(async (webhookEndpoint: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const answer = await (await webhooksOf(settings)).getWebhookEndpoint({ webhookEndpoint });
      show(createOutput(io, settings.json), answer.webhookEndpoint);
    });
}

function addUpdate(group: Command, io: Io): void {
  addConnectionOptions(group.command("update <endpoint>"), io)
    .description("change an endpoint; a paused one gets what it has missed once it is enabled")
    .option("--to <url>", "where it is from now on")
    .option("--description <text>", "for people")
    .addOption(kindOption().conflicts("allKinds"))
    .option("--all-kinds", "events of all kinds")
    .addOption(wordOption("--state <word>", "whether it is delivered to", settable))
    .option("--etag <etag>", "only if the endpoint still is at this version")
    .addHelpText("after", "\nExample: wellapi webhook update whe_... --state paused --credentials ./clinic")
    .action(
      async (
        id: string,
        options: {
          to?: string;
          description?: string;
          kind?: Kind[];
          allKinds?: true;
          state?: Whether;
          etag?: string;
        },
        command: Command,
      ) => {
        const { to: url, description, kind, allKinds, state, etag = "" } = options;
        const kinds = allKinds ? [] : kind;
        const given = { url, description, kinds, state };
        const paths = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
        if (paths.length === 0) throw new CliError("usage", "say what to change, for example --state paused");
        const settings = settingsOf(command, io);
        const client = await webhooksOf(settings);
        const changes = { ...(url && { url }), ...(description && { description }), ...(kinds && { kinds }) };
        const webhookEndpoint = { id, etag, ...changes, ...(state && { state }) };
        const answer = await client.updateWebhookEndpoint({ webhookEndpoint, updateMask: { paths } });
        show(createOutput(io, settings.json), answer.webhookEndpoint);
      },
    );
}

function addDelete(group: Command, io: Io): void {
  addConnectionOptions(group.command("delete <endpoint>"), io)
    .description("delete an endpoint, and what waits for it")
    .addHelpText("after", "\nExample: wellapi webhook delete whe_... --credentials ./clinic")
    .action(async (webhookEndpoint: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const answer = await (await webhooksOf(settings)).deleteWebhookEndpoint({ webhookEndpoint });
      createOutput(io, settings.json).message(
        DeleteWebhookEndpointResponseSchema,
        answer,
        () => `${webhookEndpoint} deleted`,
      );
    });
}

function addRotate(group: Command, io: Io): void {
  addConnectionOptions(group.command("rotate <endpoint>"), io)
    .description("make a new secret; deliveries are signed with both until the one before ends")
    .option(
      "--overlap-hours <hours>",
      "how long the one before still signs; 0 for one that has leaked",
      count,
      24,
    )
    .option("--request-id <id>", "sending it again gives the same secret")
    .addHelpText(
      "after",
      "\nExample: wellapi webhook rotate whe_... --overlap-hours 48 --credentials ./clinic",
    )
    .action(
      async (
        webhookEndpoint: string,
        { overlapHours, requestId = randomUUID() }: { overlapHours: number; requestId?: string },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const client = await webhooksOf(settings);
        const overlap = durationFromMs(overlapHours * HOUR_MS);
        const answer = await client.rotateWebhookSecret({ webhookEndpoint, overlap, requestId });
        createOutput(io, settings.json).message(RotateWebhookSecretResponseSchema, answer, () =>
          secretText(answer),
        );
      },
    );
}

function addDeliveries(group: Command, io: Io): void {
  addConnectionOptions(group.command("deliveries <endpoint>"), io)
    .description("list what was delivered, newest event first; its last try, and when the next one is")
    .addOption(wordOption("--state <word>", "only those", deliveryStates))
    .option("--limit <count>", "at most so many", count, 100)
    .addHelpText(
      "after",
      "\nExample: wellapi webhook deliveries whe_... --state failed --credentials ./clinic",
    )
    .action(
      async (
        webhookEndpoint: string,
        { state = State.UNSPECIFIED, limit }: { state?: State; limit: number },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const client = await webhooksOf(settings);
        const found: WebhookDelivery[] = [];
        const all = paginate(
          (pageToken) => client.listWebhookDeliveries({ webhookEndpoint, state, pageToken }),
          (page) => page.webhookDeliveries,
        );
        for await (const one of all) {
          if (found.length === limit) break;
          found.push(one);
        }
        createOutput(io, settings.json).rows(
          WebhookDeliverySchema,
          found,
          ["event", "kind", "since", "state", "tries", "last try", "next try"],
          (one) => [
            one.event,
            typeOf(one),
            timeText(one.createTime),
            nameOf(deliveryStates, one.state),
            one.attemptCount,
            attemptText(one.attempts.at(-1)),
            timeText(one.nextAttemptTime),
          ],
        );
      },
    );
}

function addRetry(group: Command, io: Io): void {
  addConnectionOptions(group.command("retry <endpoint> <event>"), io)
    .description("deliver an event again, whatever became of it")
    .addHelpText("after", "\nExample: wellapi webhook retry whe_... evt_... --credentials ./clinic")
    .action(async (webhookEndpoint: string, event: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = await webhooksOf(settings);
      const { webhookDelivery: one } = await client.retryWebhookDelivery({ webhookEndpoint, event });
      if (one === undefined) return;
      createOutput(io, settings.json).message(
        WebhookDeliverySchema,
        one,
        () => `${one.event}  ${nameOf(deliveryStates, one.state)}`,
      );
    });
}

function addReplay(group: Command, io: Io): void {
  addConnectionOptions(group.command("replay <endpoint>"), io)
    .description("deliver again all events from a time, or after a resume token, in their order")
    .option("--from <time>", "what was listed since, RFC 3339", instant)
    .option("--resume <token>", "what came after it: a token of `wellapi listen` or EventService")
    .addHelpText(
      "after",
      "\nExample: wellapi webhook replay whe_... --from 2026-04-12T08:00:00Z --credentials ./clinic",
    )
    .action(
      async (
        webhookEndpoint: string,
        { from: time, resume }: { from?: number; resume?: string },
        command: Command,
      ) => {
        if ((time === undefined) === (resume === undefined)) {
          throw new CliError("usage", "say --from or --resume");
        }
        const from =
          time === undefined
            ? ({ case: "resumeToken", value: resume ?? "" } as const)
            : ({ case: "startTime", value: timestampFromMs(time) } as const);
        const settings = settingsOf(command, io);
        const answer = await (await webhooksOf(settings)).replayWebhookEvents({ webhookEndpoint, from });
        show(createOutput(io, settings.json), answer.webhookEndpoint);
      },
    );
}

function addTest(group: Command, io: Io): void {
  addConnectionOptions(group.command("test <endpoint>"), io)
    .description("send one event of the type webhook.test now, and print what came of it")
    .addHelpText("after", "\nExample: wellapi webhook test whe_... --credentials ./clinic")
    .action(async (webhookEndpoint: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const answer = await (await webhooksOf(settings)).testWebhookEndpoint({ webhookEndpoint });
      createOutput(io, settings.json).message(
        TestWebhookEndpointResponseSchema,
        answer,
        () => `${answer.event}  ${attemptText(answer.attempt)}`,
      );
    });
}

function show(output: Output, endpoint: WebhookEndpoint | undefined): void {
  if (endpoint === undefined) return;
  output.message(WebhookEndpointSchema, endpoint, () => endpointText(endpoint));
}

function endpointText({ id, url, state, disableReason }: WebhookEndpoint): string {
  return `${id}  ${nameOf(states, state)}${nameOf(reasons, disableReason)}  ${url}`;
}

function secretText({
  webhookEndpoint,
  secret,
}: {
  webhookEndpoint?: WebhookEndpoint;
  secret: string;
}): string {
  const shown = secret === "" ? "its secret is not shown any more: rotate it" : `secret: ${secret}`;
  return `${webhookEndpoint === undefined ? "" : endpointText(webhookEndpoint)}\n${shown}`;
}

function attemptText(attempt: WebhookAttempt | undefined): string {
  if (attempt === undefined) return "";
  const { outcome, statusCode, latency } = attempt;
  const answered = statusCode === 0 ? "" : ` (${statusCode})`;
  return `${nameOf(outcomes, outcome)}${answered}, ${latency === undefined ? 0 : durationMs(latency)} ms`;
}
