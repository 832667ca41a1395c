/** A real full disk: a small tmpfs, which only root may mount. */
import { randomUUID } from "node:crypto";
import { statfsSync, writeFileSync } from "node:fs";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import type { Company } from "@wellapi/demo/people";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { problemOf } from "@wellapi/rpc";
import { decided } from "./decided.ts";

export const root = process.getuid?.() === 0;
if (!root && process.env.CI)
  throw new Error("the full-disk test needs root to mount a tmpfs; CI must run it");
if (!root) process.stderr.write("SKIPPED: the full-disk test needs root to mount a tmpfs\n");

export const code = "8867-4";

/** Takes what is left; the server may take some of it first. */
export function fillDisk(path: string, filler: string): void {
  const { bavail, bsize } = statfsSync(path);
  try {
    writeFileSync(filler, Buffer.alloc(bavail * bsize));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}

/** What becomes of a batch of samples that no compression makes small. */
export const outcomeOf = (company: Company, patient: string, from: string): Promise<string> =>
  decided(() => outcomeOnce(company, patient, from));

async function outcomeOnce(company: Company, patient: string, from: string): Promise<string> {
  const batch = {
    requestId: randomUUID(),
    patient,
    series: [
      {
        code: { code },
        unit: "/min",
        times: {
          start: { case: "startTime" as const, value: timestampFromMs(Date.parse(from)) },
          utcOffsetMinutes: 0,
          spacing: { case: "periodMs" as const, value: 1_000 },
        },
        values: {
          case: "decimals" as const,
          value: {
            mantissas: Array.from({ length: 5_000 }, () => Math.floor(30 + Math.random() * 200)),
            scale: 0,
          },
        },
      },
    ],
  };
  try {
    const { receipt } = await createClient(IngestionService, company.transport).createSeries({ batch });
    return receipt?.items[0]?.status === ItemOutcome_Status.ACCEPTED ? "stored" : "rejected";
  } catch (error) {
    return problemOf(ConnectError.from(error)).reason;
  }
}
