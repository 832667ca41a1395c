/** The providers' gRPC door, from outside, through the edge that does not open its TLS. */
import { X509Certificate } from "node:crypto";
import { connect } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { CreateSeriesRequestSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { isPublic } from "@wellapi/rpc";
import { edgeIp, grpcHost, podOf } from "./addresses.ts";
import { createAuthority } from "./authority.ts";
import { grpcPort } from "./callers.ts";
import { type ClientCertificate, connectPod, quiet } from "./connection.ts";
import { callGrpc, type GrpcCall } from "./grpc-probe.ts";
import type { Laboratory } from "./laboratory.ts";
import type { Outside } from "./outside.ts";
import { certificateOf } from "./pods.ts";
import { reasonOrOutcome } from "./refusal-reason.ts";
import type { Row } from "./rows.ts";

const group = "the providers' door";
const consents: GrpcCall = { path: "/wellapi.consent.v1.ConsentService/ListConsents" };

export async function doorRows(
  { world, plane }: Laboratory,
  outside: Outside,
  services: readonly DescService[],
): Promise<readonly Row[]> {
  const { maker, clinic, certificates, tokens, patientAtMaker } = outside;
  const { ca } = maker.certificate;
  const right: ClientCertificate = maker.certificate;
  const call = async (
    as: ClientCertificate | undefined,
    what: GrpcCall,
    tls: object = {},
  ): Promise<string> => {
    const options = { ...as, ca, servername: grpcHost, ...tls };
    const session = quiet(connect(`https://${edgeIp}`, options));
    try {
      return reasonOrOutcome(await callGrpc(session, what));
    } finally {
      session.destroy();
    }
  };
  const another = await createAuthority("authority of another installation");
  const selfSigned = await createAuthority("provider");
  const foreign = await another.issue({ name: "provider", uri: spiffeOf(right) });
  const series = toBinary(CreateSeriesRequestSchema, seriesOf(patientAtMaker));
  const write: GrpcCall = {
    path: "/wellapi.ingestion.v1.IngestionService/CreateSeries",
    message: series,
  };
  const rows: readonly (readonly [string, string, () => Promise<string>])[] = [
    ["the provider's certificate", "answered", () => call(right, consents)],
    ["no certificate", "no connection", () => call(undefined, consents)],
    [
      "a certificate signed by itself",
      "no connection",
      () => call({ cert: selfSigned.certificate, key: selfSigned.privateKey }, consents),
    ],
    [
      "a certificate of another installation, with the provider's name",
      "no connection",
      () => call({ cert: foreign.certificate, key: foreign.privateKey }, consents),
    ],
    ["a certificate that has expired", "no connection", () => call(certificates.expired, consents)],
    ["a certificate that was revoked", "CREDENTIAL_INVALID", () => call(certificates.revoked, consents)],
    [
      "a service's certificate of the mesh",
      "no connection",
      () => call(certificateOf(world, podOf("records")).as, consents),
    ],
    [
      "the provider's certificate, with somebody's token beside it",
      "CREDENTIAL_INVALID",
      () => call(right, { ...consents, headers: { authorization: `Bearer ${tokens.patient}` } }),
    ],
    ["the provider writes for its patient", "answered", () => call(right, write)],
    [
      "another company's certificate writes for that patient",
      "CONSENT_REQUIRED",
      () => call(clinic.certificate, write),
    ],
    ["TLS 1.2", "no connection", () => call(right, consents, { maxVersion: "TLSv1.2" })],
    [
      "another server's name",
      "no connection",
      () => call(right, consents, { servername: "elsewhere.example" }),
    ],
    [
      "the provider's certificate at records itself",
      "no connection",
      async () => {
        const session = connectPod({ to: "records", port: grpcPort, ca: plane.root, as: right });
        const path = "/wellapi.records.v1.RecordsService/ReadSeries";
        const { outcome } = await callGrpc(session, { path });
        session.destroy();
        return outcome;
      },
    ],
  ];
  const byContract = services.map((service): Row => {
    const path = `/${service.typeName}/${service.methods[0]!.name}`;
    const served = isPublic(service);
    return {
      group,
      name: `${service.typeName} at the door`,
      expected: served ? "served" : "not served",
      run: async () => servedOr(await call(right, { path })),
    };
  });
  return [...rows.map(([name, expected, run]): Row => ({ group, name, expected, run })), ...byContract];
}

/** Whatever the services answer, or why nothing did. */
function servedOr(found: string): string {
  if (found.startsWith("grpc-status 12:")) return "not served";
  return /^(no |grpc-status)/.test(found) ? found : "served";
}

/** Three minutes of a heart rate. The same request again and again: all but the first are duplicates. */
function seriesOf(patient: string) {
  return create(CreateSeriesRequestSchema, {
    batch: {
      patient,
      requestId: "5ea1ab00-0000-4000-8000-000000000000",
      series: [
        {
          code: { code: "8867-4" },
          unit: "/min",
          times: {
            start: { case: "startTime", value: timestampFromDate(new Date("2026-05-02T00:00:00Z")) },
            utcOffsetMinutes: 0,
            spacing: { case: "periodMs", value: 60_000 },
          },
          values: { case: "decimals", value: { mantissas: [70, 71, 72] } },
        },
      ],
    },
  });
}

/** The name in the certificate, to forge another with. */
function spiffeOf({ cert }: ClientCertificate): string {
  return new X509Certificate(cert).subjectAltName!.replace("URI:", "");
}
