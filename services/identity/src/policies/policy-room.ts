import { PolicyService } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { PolicyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/policy_directory_service_pb";
import { type Route, route } from "@wellapi/rpc";
import { createExplainCall, type ExplainDeps } from "./explanation-handlers.ts";
import {
  createPolicyDirectoryHandlers,
  createPolicyHandlers,
  type PolicyHandlersDeps,
} from "./policy-handlers.ts";

/** What organizations forbid their own people and applications, and why a call is permitted or refused. */
export function createPolicyRoom(deps: Omit<PolicyHandlersDeps, "explain"> & ExplainDeps): {
  readonly routes: readonly Route[];
} {
  return {
    routes: [
      route(PolicyService, createPolicyHandlers({ ...deps, explain: createExplainCall(deps) })),
      route(PolicyDirectoryService, createPolicyDirectoryHandlers(deps)),
    ],
  };
}
