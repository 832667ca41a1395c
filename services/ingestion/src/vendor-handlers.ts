import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type {
  BatchReceipt,
  ObservationBatch,
  SeriesBatch,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import type { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { NormalizeError, normalize } from "@wellapi/normalize";
import { problemError, problemOf } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import { invalidField } from "./errors.ts";
import { type VendorBatch, type VendorResult, vendorAnswer, vendorBatches } from "./vendor-convert.ts";

/** Passes a batch of an account on to records. */
export type TakeOf<B> = (batch: B, context: HandlerContext, account: VendorAccount) => Promise<BatchReceipt>;

/** The person's account at the vendor. */
export interface VendorAccount {
  readonly vendor: string;
  readonly user: string;
  readonly rebind: boolean;
}

/** `CreateFromVendor`: normalizes the document and sends what it measured the way that all batches go. */
export function createVendorHandlers(deps: {
  readonly takeSeries: TakeOf<SeriesBatch>;
  readonly takeObservations: TakeOf<ObservationBatch>;
  readonly terminology: Terminology;
  /** What time it is for who sends, UTC milliseconds. */
  readonly nowOf: (context: HandlerContext) => Promise<number>;
}): Pick<ServiceImpl<typeof IngestionService>, "createFromVendor"> {
  const { terminology, nowOf } = deps;

  async function resultOf(
    one: VendorBatch,
    context: HandlerContext,
    account: VendorAccount,
  ): Promise<VendorResult> {
    const { kind, from } = one;
    const size = one.kind === "series" ? one.batch.series.length : one.batch.observations.length;
    try {
      const receipt =
        one.kind === "series"
          ? await deps.takeSeries(one.batch, context, account)
          : await deps.takeObservations(one.batch, context, account);
      return { kind, from, size, result: { receipt } };
    } catch (error) {
      // A consent may be for some codes of the document and for none of this batch.
      if (!(error instanceof ConnectError && error.code === Code.PermissionDenied)) throw error;
      return { kind, from, size, result: { denial: problemOf(error) } };
    }
  }

  return {
    async createFromVendor(request, context) {
      const { requestId, vendor, timeZone, date, vendorUser, rebind, document } = request;
      const sent = { vendor, bytes: document, timeZone, date, user: vendorUser };
      const now = await nowOf(context);
      const normalized = normalizing(() => normalize(sent, terminology, now));
      const account = { vendor, user: normalized.user, rebind };
      const results: VendorResult[] = [];
      // One after another: the first binds the account, and an error of one leaves the rest unsent.
      for (const batch of vendorBatches(request, normalized)) {
        results.push(await resultOf(batch, context, account));
      }
      const denials = results.flatMap(({ result }) => ("denial" in result ? [result.denial] : []));
      if (denials.length > 0 && denials.length === results.length) throw problemError(denials[0]!);
      return vendorAnswer(requestId, normalized, results);
    },
  };
}

function normalizing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof NormalizeError) throw invalidField(error.field, error.reason, error.message);
    throw error;
  }
}
