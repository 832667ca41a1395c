import type { DescMethod } from "@bufbuild/protobuf";
import type { Logger } from "@wellapi/runtime";
import type { Authentication } from "../caller/authentication.ts";
import type { Budget } from "../caller/budget.ts";
import type { Denials } from "../caller/denials.ts";
import type { EndedRequests } from "../caller/ended-requests.ts";
import type { StreamLimit } from "../caller/stream-limit.ts";
import { admissionInterceptor } from "./admission.ts";
import { authenticationInterceptor } from "./authentication.ts";
import { authorizationInterceptor } from "./authorization.ts";
import { bodyInterceptor } from "./body.ts";
import { deadlineInterceptor } from "./deadline.ts";
import { deprecationInterceptor } from "./deprecation.ts";
import { errorsInterceptor } from "./errors.ts";
import { type FaultOrders, faultsInterceptor } from "./faults.ts";
import { type ReleaseOptions, releaseInterceptor } from "./release.ts";
import type { StepInterceptor } from "./step.ts";
import { telemetryInterceptor } from "./telemetry.ts";
import { validationInterceptor } from "./validation.ts";

export interface ServerInterceptorOptions {
  readonly log: Logger;
  readonly authentication: Authentication;
  /** Longest unary call in milliseconds; 30 s unless given. */
  readonly maximumTimeoutMs?: number;
  /** At a door: how many streams each caller may have open. Absent: any number. */
  readonly streamLimit?: StreamLimit;
  /** At a door: gives what the callers' table refuses its entries. Absent: it leaves none. */
  readonly denials?: Denials;
  /** At a door: tells organizations of their calls. Absent: nobody is told. */
  readonly requests?: EndedRequests;
  /** At a door: what callers may spend. Absent: as much as they like. */
  readonly budget?: Budget;
  /** At a door: which answers may leave. Absent: none that is about a patient. */
  readonly release?: ReleaseOptions;
  /**
   * At the door of a service's own HTTP surfaces: the service. Its contracts that name it under `surfaces` are served there,
   * and at no other door, whatever else they are.
   */
  readonly surface?: string;
  /** At a sandbox's door: callers may order failures. Absent: whoever tries is refused. */
  readonly faults?: FaultOrders;
  /** Streaming methods that check their messages themselves with `validateMessage`. */
  readonly selfValidating?: readonly DescMethod[];
}

/** The one list of interceptors, for every server and the in-memory transport. See interceptorOrder. */
export function serverInterceptors(options: ServerInterceptorOptions): readonly StepInterceptor[] {
  return [
    errorsInterceptor(options.log),
    telemetryInterceptor(options.log, options.requests),
    deadlineInterceptor(options.maximumTimeoutMs ?? 30_000),
    authenticationInterceptor(options.authentication),
    authorizationInterceptor(options),
    admissionInterceptor(options.streamLimit, options.budget),
    bodyInterceptor(),
    releaseInterceptor(options.release),
    deprecationInterceptor(),
    validationInterceptor(options.selfValidating ?? []),
    faultsInterceptor(options.faults, options.release?.guards ?? (() => false)),
  ];
}
