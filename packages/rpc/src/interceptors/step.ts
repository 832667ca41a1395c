import type { Interceptor } from "@connectrpc/connect";
import { RpcError } from "../errors.ts";

/**
 * The steps that every call passes, outermost first, unary and streaming alike. Those before `body` are the admission: they
 * decide by headers and connection alone, and nothing of the body is read, decompressed or decoded before they have.
 */
export const interceptorOrder = [
  "errors",
  "telemetry",
  "deadline",
  "authentication",
  "authorization",
  "admission",
  "body",
  "release",
  "deprecation",
  "validation",
  "faults",
] as const;

export type Step = (typeof interceptorOrder)[number];

/** An interceptor that names its step. */
export type StepInterceptor = Interceptor & { readonly step: Step };

export function step(name: Step, interceptor: Interceptor): StepInterceptor {
  return Object.assign((next: Parameters<Interceptor>[0]) => interceptor(next), { step: name });
}

/** @throws RpcError where a server got interceptors other than those of `serverInterceptors(...)`. */
export function assertInterceptors(interceptors: readonly Interceptor[]): void {
  const names = interceptors.map((interceptor) => ("step" in interceptor ? interceptor.step : "unknown"));
  if (names.join() !== interceptorOrder.join()) {
    throw new RpcError(
      "invalid-interceptors",
      `a server takes the interceptors ${interceptorOrder.join(", ")}, in this order, but was given ${names.join(", ") || "none"}`,
    );
  }
}
