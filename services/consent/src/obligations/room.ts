import type { Transport } from "@connectrpc/connect";
import { DeletionObligationService } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import { type Clock, createLoop, type Logger } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses } from "../accesses.ts";
import type { ConsentRepository, Notified } from "../consent-repository.ts";
import { createObligationAnswers } from "./obligation-answers.ts";
import { createObligationHandlers } from "./obligation-handlers.ts";
import { createObligationMaking } from "./obligation-making.ts";
import type { ObligationRepository } from "./obligation-repository.ts";
import { createReceivedClient } from "./received-client.ts";

const everyMs = 2_000;

export interface ObligationRoomDeps {
  readonly store: Store;
  readonly consents: ConsentRepository;
  readonly obligations: ObligationRepository;
  readonly relay?: Notified | undefined;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  /** Calls audit, as this service. */
  readonly audit: Transport;
  readonly clock: Clock;
  readonly times: OrganizationTimes;
  readonly log: Logger;
  /** How long an organization has to answer, in days. */
  readonly deletionDays: number;
}

/** What organizations must delete: its RPCs, and what makes obligations when consents have ended. */
export interface ObligationRoom {
  readonly route: Route;
  /** Begins to make obligations: call it once the journal was replayed. */
  start(): void;
  /** Waits for the turn under way. */
  close(): Promise<void>;
}

export function openObligationRoom(deps: ObligationRoomDeps): ObligationRoom {
  const { audit, log, deletionDays } = deps;
  const making = createObligationMaking({
    ...deps,
    received: createReceivedClient(audit),
    answerMs: deletionDays * 86_400_000,
  });
  let close = async () => {};
  return {
    route: route(
      DeletionObligationService,
      createObligationHandlers({ ...deps, answers: createObligationAnswers(deps) }),
    ),
    start() {
      const onError = (err: unknown) =>
        log.warn({ err }, "obligations to delete could not be made; trying again");
      const loop = createLoop({ everyMs, atOnce: true, work: making.work, onError });
      close = () => loop.close();
    },
    close: () => close(),
  };
}
