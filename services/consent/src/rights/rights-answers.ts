import type { Clock } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Author } from "../consent.ts";
import { ConsentError } from "../errors.ts";
import { digest } from "../etag.ts";
import { rightsChanged } from "../event-convert.ts";
import type { LeafOf } from "../revocation.ts";
import type { RightsCommits } from "./rights-commit.ts";
import type { KeptRights, RightsRepository } from "./rights-repository.ts";
import {
  mayExtend,
  misfit,
  mostAnswers,
  type RightsAnswer,
  type RightsRequest,
  type RightsSaid,
  stateOf,
} from "./rights-request.ts";

const attempts = 20;

/** Names one version of a request by its content. Opaque to callers. */
export function rightsEtag(request: RightsRequest): string {
  return digest(request).slice(0, 24);
}

/** An answer as it is sent. */
export interface SentAnswer {
  readonly said: RightsSaid;
  /** Empty: whichever version there is. */
  readonly etag: string;
  readonly requestId: string;
}

export interface RightsAnswers {
  /**
   * Answers; the same again changes nothing. Once a decision about a rectification resolves, later reads do not mark what it was about.
   * Throws `stale_etag`, `request_id_reused`, `rights_decided`, `no_extension`, `invalid`,
   * `unavailable`.
   */
  answer(
    found: KeptRights,
    sent: SentAnswer,
    by: Author,
    leafOf: LeafOf,
  ): Promise<{ readonly kept: KeptRights; readonly changed: boolean }>;
}

export function createRightsAnswers(deps: {
  readonly rights: Pick<RightsRepository, "get" | "replacement">;
  readonly commits: RightsCommits;
  readonly clock: Pick<Clock, "now">;
  readonly times: Pick<OrganizationTimes, "now">;
}): RightsAnswers {
  const { rights, commits, clock, times } = deps;
  return {
    async answer({ partition, request: { id } }, { said, etag, requestId }, by, leafOf) {
      const requestDigest = digest(said);
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const stored = await rights.get(partition, id);
        if (stored === undefined) throw new ConsentError("rights_not_found");
        const { request } = stored;
        if (isRepeated(request, requestId, requestDigest)) {
          await commits.again(partition, request);
          return { kept: stored, changed: false };
        }
        const time = times.now(request.organization);
        checkAnswer(request, said, etag, time);
        const leaf = leafOf([]);
        const answer: RightsAnswer = { ...said, time, by, access: leaf.id, requestId, requestDigest };
        const answered = { ...request, answers: [...request.answers, answer] };
        const done = await commits.make({
          partition,
          request: answered,
          documents: (key) => [rights.replacement(key, stored, answered)],
          leaf: leaf.change,
          event: rightsChanged(partition, id, "answered", clock.now(), answered.answers.length),
        });
        if (done === undefined) throw new ConsentError("rights_not_found");
        if (!done) continue;
        return { kept: { partition, request: answered }, changed: true };
      }
      throw new ConsentError("unavailable");
    },
  };
}

/** Throws `request_id_reused`. */
function isRepeated({ answers }: RightsRequest, requestId: string, requestDigest: string): boolean {
  const repeated = answers.find((one) => one.requestId === requestId);
  if (repeated === undefined || repeated.requestDigest === requestDigest) return repeated !== undefined;
  const message = "this request_id gave another answer: choose a new one";
  throw new ConsentError("request_id_reused", { message });
}

/** Throws `rights_decided`, `stale_etag`, `no_extension`, `invalid`. */
function checkAnswer(request: RightsRequest, said: RightsSaid, etag: string, now: number): void {
  const state = stateOf(request, now);
  if (state === "fulfilled" || state === "withdrawn") throw new ConsentError("rights_decided");
  if (etag !== "" && etag !== rightsEtag(request)) {
    const message = "the request has changed since: get it again, then answer with its etag";
    throw new ConsentError("stale_etag", { message });
  }
  if (said.kind === "extended" && !mayExtend(request, now)) throw new ConsentError("no_extension");
  if (said.kind === "refused" && request.answers.length >= mostAnswers) {
    const message = `it was answered ${mostAnswers} times: what can follow is that it is fulfilled`;
    throw new ConsentError("rights_decided", { message });
  }
  const [field, description] = misfit(request.right.kind, said) ?? [];
  if (field === undefined || description === undefined) return;
  const violation = { field: `answer.${field}`, description, reason: "INVALID_FIELD" };
  throw new ConsentError("invalid", {
    violations: [violation],
    message: `${violation.field}: ${description}`,
  });
}
