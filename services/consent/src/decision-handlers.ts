import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { createMessageQueue } from "@wellapi/enforcer";
import {
  ConsentDecisionService,
  type WatchRequest,
  type WatchResponseSchema,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import type { Clock, Logger } from "@wellapi/runtime";
import type { Accesses } from "./accesses.ts";
import { isFrozen, stateOf } from "./consent.ts";
import type { ConsentDeletion } from "./consent-deletion.ts";
import type { ConsentRepository } from "./consent-repository.ts";
import { decisionMessage, questionOf } from "./convert.ts";
import { type Decision, decide, deniedUntil } from "./decision.ts";
import { ConsentError } from "./errors.ts";
import { createForesightHandlers, type ForesightHandlersDeps } from "./foresight/foresight-handlers.ts";
import type { Revocations } from "./revocation.ts";
import type { FromEnforcer, SessionStreams, ToEnforcer } from "./session-streams.ts";
import type { Categories } from "./understanding.ts";

const { method } = ConsentDecisionService;

/** How many consents are remembered whose unknown content has been logged. */
const mostReported = 10_000;

export interface DecisionHandlersDeps extends ForesightHandlersDeps {
  readonly consents: ConsentRepository;
  readonly revocations: Revocations;
  readonly deletion: ConsentDeletion;
  readonly streams: SessionStreams;
  readonly accesses: Accesses;
  readonly clock: Clock;
  readonly categories: Categories;
  readonly log: Logger;
  /** Aborted when the service closes: ends the streams. */
  readonly closing: AbortSignal;
}

export function createDecisionHandlers(
  deps: DecisionHandlersDeps,
): ServiceImpl<typeof ConsentDecisionService> {
  const { consents, revocations, deletion, streams, accesses, clock, times, categories, closing } = deps;
  const tellDoubt = createDoubtTeller(deps.log);
  return {
    ...createForesightHandlers(deps),
    async decide({ question: message, furtherCodes }) {
      if (!message) throw new ConsentError("invalid");
      const question = questionOf(message);
      const current = await consents.current(question.partition);
      const now = clock.now() + (question.aheadMs ?? 0);
      const decided = (code: string) => {
        const decision = decide(current, { ...question, code }, now, categories);
        tellDoubt(decision);
        if (decision.permitted) return decisionMessage(decision);
        return decisionMessage(decision, deniedUntil(current, question.organization, decision.reason, now));
      };
      return { decision: decided(question.code), further: furtherCodes.map(decided) };
    },

    async getStanding({ partition, consents: ids, grantee }) {
      await times.look();
      const current = await consents.current(partition);
      // An application holds no tokens on a frozen record; its grant stays, for when the freeze is undone.
      if (isFrozen(current)) return { inForce: false };
      const now = times.now(grantee);
      const granted = current.consents.filter(({ terms }) => terms.grantee === grantee);
      const active = new Set(granted.filter((one) => stateOf(one, now) === "active").map(({ id }) => id));
      return { inForce: ids.every((id) => active.has(id)) };
    },

    async *watch(requests, { signal }) {
      const outgoing = createMessageQueue<ToEnforcer>();
      const stream = streams.connect((message) => outgoing.push(message));
      const end = () => outgoing.end();
      const over = AbortSignal.any([signal, closing]);
      over.addEventListener("abort", end);
      if (over.aborted) end();
      let failure: unknown;
      const receive = async () => {
        for await (const request of requests) await stream.receive(fromEnforcer(request));
      };
      receive()
        .catch((error: unknown) => {
          failure = error;
        })
        .finally(end);
      try {
        for await (const message of outgoing) yield responseOf(message);
        if (failure !== undefined) throw failure;
      } finally {
        over.removeEventListener("abort", end);
        end();
        stream.closed();
      }
    },

    revokeAllConsents({ partition }, context) {
      return accesses.logged(context, method.revokeAllConsents, "", async (call) => {
        call.about(partition);
        const author = { kind: "service", id: call.caller.workload } as const;
        const revoked = await revocations.revokeAll(partition, author, call.leafOf);
        call.committed();
        return { revoked: revoked.length };
      });
    },

    deleteConsents({ partition }, context) {
      return accesses.logged(context, method.deleteConsents, "", async (call) => {
        call.about(partition);
        if (await deletion.delete(partition, call.leafOf)) call.committed();
        return {};
      });
    },
  };
}

/** Logs the unknown content of a consent once: denials are not cached, so each read would log it again. */
function createDoubtTeller(log: Logger): (decision: Decision) => void {
  const reported = new Set<string>();
  return (decision) => {
    if (decision.permitted || decision.unknown === undefined) return;
    const { consent, path } = decision.unknown;
    if (reported.has(`${consent} ${path}`) || reported.size >= mostReported) return;
    reported.add(`${consent} ${path}`);
    log.error(
      { document: consent, field: path },
      "a stored consent says what is not known here, so the consents of its organization and patient permit nothing",
    );
  };
}

function fromEnforcer({ message }: WatchRequest): FromEnforcer {
  switch (message.case) {
    case "open":
      return { kind: "open", enforcer: message.value.enforcer };
    case "renew":
      return { kind: "renew", sequence: Number(message.value.sequence) };
    case "acknowledge":
      return { kind: "acknowledge", recall: message.value.recall };
    default:
      throw new ConsentError("invalid", { message: "a message says nothing that is known here" });
  }
}

function responseOf(message: ToEnforcer): MessageInitShape<typeof WatchResponseSchema> {
  switch (message.kind) {
    case "opened":
      return { message: { case: "opened", value: { session: message.session, ttlMs: message.ttlMs } } };
    case "renewed":
      return { message: { case: "renewed", value: { sequence: BigInt(message.sequence) } } };
    case "recall": {
      const { recall, partition, onlyWidens, grantees } = message;
      return {
        message: { case: "recall", value: { recall, partition, onlyWidens, grantees: [...grantees] } },
      };
    }
  }
}
