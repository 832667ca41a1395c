import { Code, type ContextValues, type StreamResponse, type UnaryRequest } from "@connectrpc/connect";
import {
  type Attributes,
  type Context,
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { createCounter, createHistogram, type LogFields, type Logger } from "@wellapi/runtime";
import {
  ATTR_ERROR_TYPE,
  ATTR_RPC_METHOD,
  ATTR_RPC_RESPONSE_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  RPC_SYSTEM_NAME_VALUE_CONNECTRPC,
  RPC_SYSTEM_NAME_VALUE_GRPC,
} from "@wellapi/runtime/semantic-conventions";
import { peerAddressKey } from "../caller/budget.ts";
import { callerKey, type Principal } from "../caller/caller.ts";
import { rpcNameOf } from "../caller/callers.ts";
import { peerWorkloadKey, requestIdKey } from "../caller/context.ts";
import {
  type EndedCall,
  type EndedRequests,
  type Protocol,
  refusedHolderKey,
} from "../caller/ended-requests.ts";
import { problemFor } from "../status.ts";
import { memoryUrl } from "../wire/handler-context.ts";
import { hookStream, onAbort } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

const scope = "@wellapi/rpc";

const headerGetter: TextMapGetter<Headers> = {
  get: (carrier, key) => carrier.get(key) ?? undefined,
  keys: (carrier) => [...carrier.keys()],
};

/** The status of gRPC's own list, as the semantic conventions want it. */
export function statusName(code: Code | undefined): string {
  if (code === undefined) return "OK";
  if (code === Code.Canceled) return "CANCELLED"; // gRPC spells it so
  return Code[code]!.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** Statuses that are the server's own failure (OpenTelemetry, semantic conventions for gRPC servers). */
const serverFailures: ReadonlySet<Code> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

/** Of `wellapi.rpc.server.refused_calls`: the reason of the error's google.rpc.ErrorInfo, a word of our own. */
const ATTR_REASON = "wellapi.reason";

/** In this process and between services calls are gRPC's, and so are those of gRPC-Web. */
function systemOf({ url, header }: { readonly url: string; readonly header: Headers }): string {
  if (!url.startsWith("http") || header.get("content-type")?.startsWith("application/grpc")) {
    return RPC_SYSTEM_NAME_VALUE_GRPC;
  }
  return RPC_SYSTEM_NAME_VALUE_CONNECTRPC;
}

/** How a call from outside was made: those of HTTP surfaces go on in this process. */
function protocolOf(request: Parameters<typeof systemOf>[0]): Protocol {
  if (request.url.startsWith(memoryUrl)) return "http";
  return systemOf(request) === RPC_SYSTEM_NAME_VALUE_GRPC ? "grpc" : "connect";
}

/**
 * A trace from outside goes on, so that a partner finds its own calls; but its sampling flag does not count, by which a caller
 * could hide, and its `tracestate` stays outside.
 */
function ownDecision(extracted: Context): Context {
  const outside = trace.getSpanContext(extracted);
  if (outside === undefined || !outside.isRemote) return extracted;
  const { traceId, spanId } = outside;
  return trace.setSpanContext(extracted, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

/** Who calls: an application by its id; a person never. The logger writes an address as a pseudonym. */
function callerFields(values: ContextValues): LogFields {
  const { principal } = values.get(callerKey);
  const address = values.get(peerAddressKey);
  return {
    principal_kind: principal.kind,
    ...(principal.kind === "application" ? { application: principal.id } : {}),
    ...(address === undefined ? {} : { caller_address: address }),
  };
}

/** Of a call. */
function lineOf(
  { method, status, reason, durationMs, requestId, traceId }: EndedCall,
  values: ContextValues,
) {
  return {
    rpc: method,
    code: status,
    ...(reason === "" ? {} : { reason }),
    duration_ms: durationMs,
    request_id: requestId,
    ...(traceId === "" ? {} : { trace_id: traceId }),
    workload: values.get(peerWorkloadKey) ?? "outside",
    ...callerFields(values),
  };
}

/** Whose the call is: also where the credential was refused. */
function holderOf(values: ContextValues): Principal {
  return values.get(refusedHolderKey) ?? values.get(callerKey).principal;
}

/**
 * A span, its metrics and one log line a call (semantic conventions 1.45, stable RPC names). Free while no
 * provider is registered. None of the three carries a patient, an organization, a value or a credential. The line names the
 * calling application, and the address by its pseudonym. At a door the caller's organization is told of the call, too.
 */
export function telemetryInterceptor(log: Logger, requests?: EndedRequests): StepInterceptor {
  const tracer = trace.getTracer(scope);
  const duration = createHistogram("callDuration");
  const activeStreams = createCounter("activeStreams");
  const refusedCalls = createCounter("refusedCalls");
  return step("telemetry", (next) => async (request) => {
    const started = performance.now();
    const rpc = rpcNameOf(request.method);
    const inside = request.contextValues.get(peerWorkloadKey) !== undefined;
    const attributes: Attributes = { [ATTR_RPC_SYSTEM_NAME]: systemOf(request), [ATTR_RPC_METHOD]: rpc };
    const extracted = propagation.extract(context.active(), request.header, headerGetter);
    const parent = inside ? extracted : ownDecision(extracted);
    const span = tracer.startSpan(rpc, { kind: SpanKind.SERVER, attributes }, parent);
    const active = trace.setSpan(parent, span);

    let open = request.stream;
    const streamEnds = (): void => {
      if (open) activeStreams.add(-1, attributes);
      open = false;
    };
    if (open) {
      activeStreams.add(1, attributes);
      // Transports abort it when the call is over, even if no one read the answer to its end.
      onAbort(request.signal, streamEnds);
    }

    const finish = (error: unknown): void => {
      streamEnds();
      const problem = error === undefined ? undefined : problemFor(error);
      const status = statusName(problem?.code);
      const failed =
        problem !== undefined && serverFailures.has(problem.code) && problem.reason !== "STREAM_TOO_OLD";
      span.setAttribute(ATTR_RPC_RESPONSE_STATUS_CODE, status);
      if (failed) {
        span.setAttribute(ATTR_ERROR_TYPE, status);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      const milliseconds = performance.now() - started;
      duration.record(milliseconds / 1_000, {
        ...attributes,
        [ATTR_RPC_RESPONSE_STATUS_CODE]: status,
        ...(failed ? { [ATTR_ERROR_TYPE]: status } : {}),
      });
      if (problem !== undefined && problem.code !== Code.Canceled) {
        const reason = { [ATTR_RPC_RESPONSE_STATUS_CODE]: status, [ATTR_REASON]: problem.reason };
        refusedCalls.add(1, { ...attributes, ...reason });
      }
      const ended: EndedCall = {
        method: rpc,
        protocol: protocolOf(request),
        status,
        reason: problem?.reason ?? "",
        durationMs: Math.round(milliseconds * 10) / 10,
        requestId: request.contextValues.get(requestIdKey),
        traceId: trace.isSpanContextValid(span.spanContext()) ? span.spanContext().traceId : "",
      };
      log[failed ? "warn" : inside ? "debug" : "info"](lineOf(ended, request.contextValues), "call");
      requests?.ended(holderOf(request.contextValues), ended);
      span.end();
    };

    try {
      const response = await context.with(active, () => next(request as UnaryRequest));
      if (!response.stream) {
        finish(undefined);
        return response;
      }
      const message = hookStream(response.message, {
        pull: (pull) => context.with(active, pull),
        end: (error) => finish(error ?? (request.signal.aborted ? request.signal.reason : undefined)),
      });
      const observed: StreamResponse = { ...response, message };
      return observed;
    } catch (error) {
      finish(error);
      throw error;
    }
  });
}
