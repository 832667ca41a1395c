/** sdk-streams.ts's program of the library for TypeScript: `node stream.ts FOLDER URL`; a line `PATIENT SAMPLES` on its input is an upload. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { batchesOf, connect, createClient, uploadSeries } from "@wellapi/client";
import type { SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";

const [folder, url = ""] = process.argv.slice(2);
const pem = (name: string) => readFileSync(`${folder}/${name}.pem`, "utf8");
const connection = connect({ url, certificate: { cert: pem("cert"), key: pem("key"), ca: pem("ca") } });
const client = createClient(IngestionService, connection);

async function* rows(samples: number) {
  const start = Date.parse("2026-01-01T00:00:00Z");
  for (let at = 0; at < samples; at++) {
    yield { timeMs: start + at * 1_000, offsetMinutes: 60, mantissa: 600 + (at % 50), scale: 1 };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [patient = "", samples] = line.split(" ");
  const options = { patient, code: "8867-4", unit: "/min", durationMs: 0, samplesPerBatch: 1_000 };
  const prepared: SeriesBatch[] = [];
  for await (const batch of batchesOf(rows(Number(samples)), options)) prepared.push(batch);
  const source = async function* () {
    yield* prepared;
  };
  let stored = 0;
  const from = performance.now();
  await uploadSeries(client, source(), {
    onAnswer(_, answer) {
      if ("receipt" in answer) stored++;
    },
  });
  const seconds = (performance.now() - from) / 1_000;
  process.stdout.write(`${JSON.stringify({ seconds, stored })}\n`);
}
connection.close();
