import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  type CreateFromVendorResponse,
  IngestionService,
  type VendorItem,
  VendorNote_Kind,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { connectDoor } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import type { Settings } from "../settings.ts";

export interface VendorOptions {
  readonly patient: string;
  readonly from: string;
  readonly timeZone?: string;
  readonly date?: string;
  readonly vendorUser?: string;
  readonly rebind?: boolean;
}

const mostProblems = 10;

/** Sends a vendor's document as it is; the exchange says what became of each measurement. */
export async function ingestFromVendor(
  file: string,
  options: VendorOptions,
  settings: Settings,
  io: Io,
): Promise<void> {
  const { patient, from: vendor, timeZone = "", date = "", vendorUser = "", rebind = false } = options;
  const document = await readFile(file).catch((cause: Error) => {
    throw new CliError("input", `cannot read ${file}: ${cause.message}`, { cause });
  });
  const beside = { patient, vendor, timeZone, date, vendorUser, rebind };
  // The same file for the same patient has the same id, so that running it again repeats nothing.
  const digest = createHash("sha256")
    .update(`${JSON.stringify(beside)}\0`)
    .update(document)
    .digest("hex");
  const client = createClient(IngestionService, connectDoor(settings));
  const answer = await client.createFromVendor({
    ...beside,
    requestId: `vendor-${digest.slice(0, 40)}`,
    document,
  });
  const output = createOutput(io, settings.json);
  const counts = countsOf(answer);
  const problems = answer.items.flatMap(problemsOf);
  const notes = answer.notes.map(({ kind, path, count, reason }) => {
    return { kind: kind === VendorNote_Kind.UNKNOWN ? "unknown" : "not taken", path, count, reason };
  });
  output.object({ ...counts, batches: answer.batches, problems, notes }, () => {
    const lines = notes.map(({ kind, path, count, reason }) =>
      `  ${kind}: ${path} (${count}) ${reason}`.trimEnd(),
    );
    const sum = `${counts.accepted} accepted, ${counts.duplicate} were stored before, ${counts.rejected} rejected`;
    return [sum, ...lines].join("\n");
  });
  if (problems.length > 0) throw new CliError("input", problems.slice(0, mostProblems).join("\n"));
}

function countsOf({ items }: CreateFromVendorResponse) {
  const of = (...statuses: ItemOutcome_Status[]) =>
    items.filter(({ status }) => statuses.includes(status)).reduce((sum, { count }) => sum + count, 0);
  return {
    accepted: of(ItemOutcome_Status.ACCEPTED),
    duplicate: of(ItemOutcome_Status.DUPLICATE),
    rejected: of(ItemOutcome_Status.REJECTED, ItemOutcome_Status.RETRACTED),
  };
}

function problemsOf({ path, violations }: VendorItem): string[] {
  return violations.map(({ description }) => `${path}: ${description}`);
}
