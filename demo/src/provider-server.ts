/**
 * A wearable maker's server in a sandbox, for docs/guide.md: people connect at http://localhost:8000, and it sends a heart rate
 * of theirs with the access token that it got. `WELLAPI_API_KEY` (an operator's) enrols it; from then on it needs nobody.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { toJsonString } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { enrolOrganization } from "@wellapi/client/enrolment";
import { BatchReceiptSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { type Connected, openProvider, type Pending, registerApp } from "./provider.ts";

const exchange = process.env.WELLAPI_URL ?? "http://localhost:7080";
const port = Number(process.env.PORT ?? 8000);
const home = `http://localhost:${port}`;

const operator = connect({ url: exchange, apiKey: process.env.WELLAPI_API_KEY ?? "" });
const names = { organization: "Pulse Wearables", application: "door" };
const { organization } = await enrolOrganization(operator, names);
const provider = await openProvider(exchange, await registerApp(operator, organization, `${home}/connected`));

const pending = new Map<string, Pending>();

async function sendHeartRate({ patient, accessToken }: Connected): Promise<string> {
  const ingestion = createClient(IngestionService, connect({ url: exchange, token: accessToken }));
  const { receipt } = await ingestion.createObservations({
    batch: {
      requestId: randomUUID(),
      patient,
      observations: [
        {
          code: { code: "8867-4" },
          effective: { case: "effectiveTime", value: timestampNow() },
          utcOffsetMinutes: -new Date().getTimezoneOffset(),
          value: { case: "quantity", value: { value: "62", unit: "/min" } },
        },
      ],
    },
  });
  return `A heart rate of 62 was sent: ${toJsonString(BatchReceiptSchema, receipt!)}`;
}

async function answer(target: URL): Promise<{ readonly location: string } | { readonly text: string }> {
  if (target.pathname === "/") {
    const begun = await provider.begin();
    pending.set(begun.state, begun);
    return { location: begun.url };
  }
  const state = target.searchParams.get("state") ?? "";
  const begun = pending.get(state);
  pending.delete(state);
  if (target.pathname !== "/connected" || begun === undefined) return { text: `Connect at ${home}` };
  const connected = await provider.finish(begun, target);
  return { text: `Connected. We know you as ${connected.patient}.\n${await sendHeartRate(connected)}` };
}

createServer((request, response) => {
  answer(new URL(request.url ?? "/", home)).then(
    (answered) =>
      "location" in answered
        ? response.writeHead(303, { location: answered.location }).end()
        : response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(answered.text),
    (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
  );
}).listen(port, "127.0.0.1", () => process.stdout.write(`People connect at ${home}\n`));
