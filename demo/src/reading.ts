import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

/** LOINC and the exchange's own codes of what the story is about. */
export const heartRate = "8867-4";
export const steps = "55423-8";

/** A day of which both people have data. */
export const day = {
  startTime: timestampFromDate(new Date("2016-04-12T00:00:00Z")),
  endTime: timestampFromDate(new Date("2016-04-13T00:00:00Z")),
};

/** What a read of one code gave. */
export interface ReadBack {
  readonly samples: number;
  /** The entry of the log. */
  readonly access: string;
  /** Whether the stream came to its end. */
  readonly ended: boolean;
  /** The consents with which its data came, each once. */
  readonly consents: readonly string[];
}

export async function readAll(
  caller: { readonly transport: Transport },
  patient: string,
  code: string,
  purpose: Purpose,
  interval?: typeof day,
): Promise<ReadBack> {
  let samples = 0;
  let access = "";
  let ended = false;
  const consents = new Set<string>();
  for await (const { payload } of createClient(RecordsService, caller.transport).readSeries({
    patient,
    code: { code },
    purpose,
    ...(interval ? { interval } : {}),
  })) {
    if (payload.case === "start") access = payload.value.access;
    if (payload.case === "series") {
      for (const { consent } of payload.value.source?.consents ?? []) consents.add(consent);
    }
    if (payload.case === "end") {
      samples = Number(payload.value.samples);
      ended = true;
    }
  }
  return { samples, access, ended, consents: [...consents] };
}

/** An access is in the log before its answer leaves; where the log is another process, it is listed a moment later. */
export async function listedAccesses(audit: Client<typeof AuditService>, deniedAtLeast: number) {
  for (let tries = 0; ; tries++) {
    const { accesses } = await audit.listAccesses({ pageSize: 500 });
    const denied = accesses.filter(({ access }) => access?.outcome === 2).length;
    if (denied >= deniedAtLeast || tries === 50) return { accesses, denied };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function auditOf({ transport }: { readonly transport: Transport }): Client<typeof AuditService> {
  return createClient(AuditService, transport);
}
