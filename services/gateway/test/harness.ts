import { Code, type HandlerContext } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { PacedAnswers } from "@wellapi/http";
import {
  type AnswerGuard,
  type Authentication,
  anonymous,
  type Caller,
  createMemoryTransport,
  patientHeader,
  problemError,
  serverInterceptors,
  type UnreadAnswers,
} from "@wellapi/rpc";
import { nothingChanges, partialRoute } from "@wellapi/rpc/testing";
import { type Logger, parseConfig, silentLogger } from "@wellapi/runtime";
import { services } from "../../../host/src/services.ts";
import { type Gateway, openGatewayService, readCorsOrigins } from "../src/index.ts";
import { createOpenApiSurface } from "../src/openapi-surface.ts";

/** Who holds which key. The internal token is `internal:<id>`. */
const holders: Readonly<Record<string, Caller["principal"]>> = {
  wellapi_sk_clinic: { kind: "application", id: "app_clinic", organization: "org_clinic" },
  patient_token: { kind: "patient", id: "pat_1", partition: "local/pat_1" },
};

function authenticationFor(
  workload: string,
  tokenOf: (header: Headers) => string | undefined,
): Authentication {
  return {
    recheckMs: 60_000,
    forget: () => {},
    async authenticate({ header }) {
      const shown = tokenOf(header);
      if (shown === undefined) return { caller: { ...anonymous, workload } };
      const principal = holders[shown.replace("internal:", "")];
      if (principal === undefined) {
        throw problemError({
          code: Code.Unauthenticated,
          reason: "CREDENTIAL_INVALID",
          message: "unknown credential",
        });
      }
      return { caller: { principal, workload, token: `internal:${shown.replace("internal:", "")}` } };
    },
  };
}

export const bearer = (header: Headers): string | undefined =>
  header.get("authorization")?.replace(/^Bearer /, "") ?? header.get("x-api-key") ?? undefined;

export interface Handlers {
  readonly records?: Parameters<typeof partialRoute<typeof RecordsService>>[1];
  readonly ingestion?: Parameters<typeof partialRoute<typeof IngestionService>>[1];
  readonly audit?: Parameters<typeof partialRoute<typeof AuditService>>[1];
}

export const internalPartition = "local/pat_internal";

/** As records does: each answer says to the door whose data it carries. */
function namingPatient(handlers: NonNullable<Handlers["records"]>): NonNullable<Handlers["records"]> {
  type Handler = (request: unknown, context: HandlerContext) => unknown;
  const named = Object.entries(handlers).map(([name, handler]) => {
    const naming: Handler = (request, context) => {
      context.responseHeader.set(patientHeader, internalPartition);
      return (handler as Handler)(request, context);
    };
    return [name, naming];
  });
  return Object.fromEntries(named);
}

/** A gateway on a free port before stub services, over the in-memory transport with the real interceptors. */
export async function openTestGateway(
  handlers: Handlers,
  options: {
    env?: Record<string, string>;
    readonly profile?: "sandbox" | "production";
    log?: Logger;
    port?: number;
    maximumTimeoutMs?: number;
    answers?: AnswerGuard;
    unread?: UnreadAnswers;
    paced?: PacedAnswers;
  } = {},
): Promise<{ gateway: Gateway; url: string }> {
  const upstream = createMemoryTransport({
    workload: "gateway",
    routes: [
      partialRoute(RecordsService, namingPatient(handlers.records ?? {})),
      partialRoute(IngestionService, handlers.ingestion ?? {}),
      partialRoute(AuditService, handlers.audit ?? {}),
    ],
    interceptors: serverInterceptors({
      log: silentLogger,
      authentication: authenticationFor("gateway", (header) => {
        const token = bearer(header);
        if (token !== undefined && !token.startsWith("internal:"))
          throw new Error("a credential went upstream");
        return token;
      }),
    }),
  });
  const corsOrigins = parseConfig(options.env ?? {}, (reader) =>
    readCorsOrigins(reader, options.profile ?? "production"),
  );
  const gateway = await openGatewayService(
    {
      host: "127.0.0.1",
      port: options.port ?? 0,
      corsOrigins,
      ...(options.maximumTimeoutMs === undefined ? {} : { maximumTimeoutMs: options.maximumTimeoutMs }),
    },
    {
      upstream,
      authentication: authenticationFor("gateway", bearer),
      answers: options.answers ?? nothingChanges,
      ...(options.unread && { unread: options.unread }),
      ...(options.paced && { paced: options.paced }),
      services: services.publicContracts,
      isConsented: services.isConsented,
      surfaces: [{ surface: createOpenApiSurface() }],
      ...(options.profile === "sandbox" && { faults: { slowMs: 0 } }),
      log: options.log ?? silentLogger,
    },
  );
  return { gateway, url: `http://localhost:${gateway.port}` };
}
