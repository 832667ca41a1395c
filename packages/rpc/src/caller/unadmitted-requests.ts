import type { ContextValues } from "@connectrpc/connect";
import { statusName } from "../interceptors/telemetry.ts";
import type { Problem } from "../problem.ts";
import type { Authentication } from "./authentication.ts";
import { callerKey } from "./caller.ts";
import { type EndedCall, type EndedRequests, refusedHolderKey } from "./ended-requests.ts";

/** A request that was answered before anybody looked whose it is, such as one of a media type that nobody reads. */
export interface UnadmittedRequest extends Omit<EndedCall, "status" | "reason"> {
  readonly header: Headers;
  readonly contextValues: ContextValues;
  readonly problem: Problem;
}

/** How a request to none of our methods is told: never by its path, which may hold anything, also a patient's name. */
export function unservedMethod(path: string, services: ReadonlySet<string>): string {
  const [, service = ""] = path.split("/", 2);
  return services.has(service) ? `${service}/(unknown)` : "(unknown path)";
}

/** As many are looked at at a time. Those beyond are nobody's: nothing is known of them. */
const AT_ONCE = 4;

/** Tells the organizations whose credentials such requests show. Never throws and never waits: the answer is out. */
export function createUnadmittedRequests(deps: {
  readonly authentication: Pick<Authentication, "authenticate">;
  readonly requests: Pick<EndedRequests, "ended">;
}): (request: UnadmittedRequest) => void {
  const { authentication, requests } = deps;
  let looking = 0;

  async function look({ header, contextValues, problem, ...call }: UnadmittedRequest): Promise<void> {
    const principal = await authentication.authenticate({ header, contextValues }).then(
      ({ caller }) => caller.principal,
      () => contextValues.get(refusedHolderKey) ?? contextValues.get(callerKey).principal,
    );
    requests.ended(principal, { ...call, status: statusName(problem.code), reason: problem.reason });
  }

  return (request) => {
    if (looking >= AT_ONCE) return;
    looking += 1;
    void look(request).finally(() => {
      looking -= 1;
    });
  };
}
