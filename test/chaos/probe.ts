import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import { verifyLoggedAccess } from "@wellapi/client";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { batchOf, blockOf, code, intervalOf } from "./batches.ts";
import { callMs, impatient, untilAnswered } from "./clients.ts";
import type { World } from "./world.ts";

/** Beyond all numbers of the load. */
let numbers = 500_000;

/** How long it took until a fresh write was acked, read back, and its entry proved, milliseconds from the start. */
export interface Recovery {
  readonly ackedMs: number;
  readonly readMs: number;
  readonly provedMs: number;
  /** What was heard before it worked, in order, each once. */
  readonly heard: readonly string[];
}

/** Rejects with what is still missing when the time is over. `perCallMs`: after this a call is made again. */
export async function probe(world: World, withinMs: number, perCallMs = callMs): Promise<Recovery> {
  const { probed, makers, clinic, mesh } = world;
  const signal = AbortSignal.timeout(withinMs);
  const startedAt = performance.now();
  const passed = () => Math.round(performance.now() - startedAt);
  const options = { signal, timeoutMs: perCallMs };
  const number = numbers++;
  const batch = batchOf(number, probed.atMakers[0]!);
  let missing = "acked";
  const heard = new Set<string>();
  const until = <T>(call: () => Promise<T>) =>
    untilAnswered(signal, () =>
      call().catch((error: unknown) => {
        if (!signal.aborted) heard.add(`${passed()} ms, not ${missing}: ${error}`);
        throw error;
      }),
    );
  try {
    const ingestion = createClient(IngestionService, makers[0]!.transport);
    const { receipt } = await until(() => ingestion.createSeries({ batch }, options));
    const ackedMs = passed();
    if (receipt?.items[0]?.status === ItemOutcome_Status.REJECTED)
      throw new Error("a good batch was rejected");
    missing = "read back";
    const records = createClient(RecordsService, clinic.transport);
    const question = { patient: probed.atClinic, code: { code }, interval: intervalOf(number) };
    const { series } = await until(() =>
      records.querySeries({ ...question, purpose: Purpose.TREATMENT }, options),
    );
    const block = series[0] && blockOf(series[0]);
    if (!block?.intact || series.length !== 1) throw new Error("what is read back is not what was acked");
    const readMs = passed();
    missing = "in the log";
    const audit = createClient(AuditService, impatient(probed.person.transport));
    const id = await until(() => entryOf(audit, batch.requestId, signal));
    await until(() => verifyLoggedAccess(audit, id, mesh.verifierKey));
    return { ackedMs, readMs, provedMs: passed(), heard: [...heard] };
  } catch (error) {
    if (!signal.aborted) throw error;
    const lines = [...heard].slice(-5).join("; ");
    throw new Error(`after ${withinMs} ms a fresh write is not ${missing}: ${lines || error}`, {
      cause: error,
    });
  }
}

/** The access id of the call that stored the batch, once the log has integrated it. */
async function entryOf(
  audit: Client<typeof AuditService>,
  requestId: string,
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    // Newest first, by the clock of who decided: one that is behind puts its entry behind those of two minutes.
    const { accesses } = await audit.listAccesses({ pageSize: 200 }, { signal, timeoutMs: callMs });
    const found = accesses.find(
      ({ access, index }) => access?.requestId === requestId && access.items > 0 && index >= 0n,
    );
    if (found) return found.access!.id;
    await delay(50, undefined, { signal });
  }
}
