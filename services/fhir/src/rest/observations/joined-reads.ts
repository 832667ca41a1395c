import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  SearchObservationsRequestSchema,
  SearchObservationsResponse,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { calling, type Exchange } from "../exchange.ts";

/** What the sources of Observations are read with. */
export interface ObservationReader extends Pick<Exchange, "purpose" | "base"> {
  readonly records: Pick<Exchange["records"], "listClinicalRecords">;
  readonly measurements: Pick<Exchange["measurements"], "listObservations" | "querySeries">;
}

type Part = "clinicalRecords" | "observations" | "series";
type Asked = Pick<MessageInitShape<typeof SearchObservationsRequestSchema>, Part>;

/**
 * Reads of one patient's Observations: those that a page asks for in one turn are one call, which is decided and logged once. Clinical records are of
 * the type Observation alone.
 */
export function joinedReader(exchange: Exchange, patient: string): ObservationReader {
  const { records, measurements, purpose, base } = exchange;
  let open:
    | { readonly asked: Asked; readonly answer: Promise<Partial<SearchObservationsResponse>> }
    | undefined;

  async function ask(asked: Asked): Promise<Partial<SearchObservationsResponse>> {
    if (Object.keys(asked).length === 1) return askEach(asked);
    try {
      return await measurements.searchObservations({ patient, purpose, ...asked }, calling);
    } catch (error) {
      // A records service of an earlier release.
      if (ConnectError.from(error).code === Code.Unimplemented) return askEach(asked);
      throw error;
    }
  }

  async function askEach({ clinicalRecords, observations, series }: Asked) {
    const [one, other, third] = await Promise.all([
      clinicalRecords && records.listClinicalRecords(clinicalRecords, calling),
      observations && measurements.listObservations(observations, calling),
      series && measurements.querySeries(series, calling),
    ]);
    return {
      ...(one && { clinicalRecords: one }),
      ...(other && { observations: other }),
      ...(third && { series: third }),
    };
  }

  function begin(): NonNullable<typeof open> {
    const asked: Asked = {};
    const send = async () => {
      // The other sources ask in the same turn.
      await Promise.resolve();
      open = undefined;
      return ask(asked);
    };
    open = { asked, answer: send() };
    return open;
  }

  async function partOf<P extends Part>(part: P, request: Asked[P]) {
    const joined = open === undefined || open.asked[part] !== undefined ? begin() : open;
    joined.asked[part] = request;
    const answer = (await joined.answer)[part];
    if (answer === undefined) throw new TypeError(`the answer lacks ${part}`);
    return answer as NonNullable<SearchObservationsResponse[P]>;
  }

  return {
    purpose,
    base,
    records: { listClinicalRecords: (request) => partOf("clinicalRecords", request) },
    measurements: {
      listObservations: (request) => partOf("observations", request),
      querySeries: (request) => partOf("series", request),
    },
  };
}
