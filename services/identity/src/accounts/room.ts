import type { AccessLog } from "@wellapi/access-log";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import type { Follower } from "@wellapi/journal";
import { type Route, route } from "@wellapi/rpc";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { createItemSealer, createTextMac, type ItemSealer, type Kms, type Pairwise } from "@wellapi/vault";
import { collections } from "../collections.ts";
import type { CreationOf } from "../creation.ts";
import type { FrozenRecords } from "../death/frozen-records.ts";
import type { AlertOutbox } from "../mail/alert-outbox.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { SignUp } from "../organizations/sign-up.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import type { ActingLookups } from "../sessions/acting.ts";
import { authTimeOf } from "../sessions/session.ts";
import { createSessionExchange, type SessionExchange } from "../sessions/session-exchange.ts";
import { openSessionRepository } from "../sessions/session-repository.ts";
import { createCodeLimits } from "../sign-in/code-limits.ts";
import { openFlowRepository } from "../sign-in/flow-repository.ts";
import { createEnsureOwnPatient } from "../sign-in/own-patient.ts";
import { createPasskeys } from "../sign-in/passkeys.ts";
import { createRefusals } from "../sign-in/refusals.ts";
import { createCodes, createSignInHandlers } from "../sign-in/sign-in-handlers.ts";
import { openSweep } from "../sweep.ts";
import { createAccountAccesses } from "./account-accesses.ts";
import { createWhoAsks, createWhoIs } from "./account-caller-convert.ts";
import { type AccountChanges, createAccountChanges } from "./account-changes.ts";
import { createAccountHandlers } from "./account-handlers.ts";
import { type AccountRepository, createAccountRepository } from "./account-repository.ts";

export interface AccountRoomDeps {
  readonly store: Store;
  readonly kms: Kms;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
  readonly patients: PatientRepository;
  readonly accounts: AccountRepository;
  readonly frozen: FrozenRecords;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly creationOf: CreationOf;
  readonly lookups: ActingLookups;
  readonly signUp: Pick<SignUp, "left">;
  readonly sandbox: boolean;
  readonly mailer: Mailer;
  readonly alerts: AlertOutbox;
  /** Where people open the pages. Known once the doors are open. */
  readonly origin: () => string;
  readonly ended: (id: string) => void;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly region: string;
  readonly log: Logger;
}

/** Accounts, sign-ins and sessions: their RPCs, and what the rest of identity asks of them. */
export interface AccountRoom {
  readonly routes: readonly Route[];
  readonly accounts: AccountRepository;
  readonly changes: AccountChanges;
  readonly sessionExchange: SessionExchange;
  /** When the person of the session last proved who they are; undefined where there is no such session any more. */
  authTime(session: string): Promise<number | undefined>;
  close(): Promise<void>;
}

/** The sealer of accounts. */
export async function createAccountSealer(kms: Kms): Promise<ItemSealer> {
  return createItemSealer(await kms.derive("identity/accounts"));
}

export async function createAccounts(store: Store, kms: Kms): Promise<AccountRepository> {
  const macOf = createTextMac(await kms.derive("identity/addresses of accounts"));
  return createAccountRepository({ store, sealer: await createAccountSealer(kms), macOf });
}

export async function openAccountRoom(deps: AccountRoomDeps): Promise<AccountRoom> {
  const { store, kms, accounts, mailer, alerts, clock, log, origin } = deps;
  const mac = async (label: string) => createTextMac(await kms.derive(`identity/${label}`));
  const sessions = await openSessionRepository({ store, clock, log });
  const flows = await openFlowRepository({
    store,
    clock,
    log,
    sealer: createItemSealer(await kms.derive("identity/sign-ins")),
  });
  const countsSweep = await openSweep({ store, collection: collections.codeCounts, keptMs: 0, clock, log });
  const accesses = createAccountAccesses(deps);
  const refusals = createRefusals({ accounts, accesses, alerts, origin, log });
  const changes = createAccountChanges({ ...deps, accounts, sessions, accesses });
  const codeLimits = createCodeLimits(store, clock);
  const macOfCode = await mac("codes");
  const codes = createCodes({ flows, codeLimits, mailer, macOfEmail: accounts.macOf, macOfCode });
  const passkeys = createPasskeys(origin);
  const shared = { ...deps, accounts, changes, sessions, flows, codes, codeLimits, passkeys, refusals };
  const whoAsks = createWhoAsks(shared);
  const handlers = {
    ...shared,
    whoAsks,
    whoIs: createWhoIs({ accounts, whoAsks }),
    macOfRecoveryCode: await mac("recovery codes"),
    ensureOwnPatient: createEnsureOwnPatient(deps),
  };
  return {
    routes: [
      route(SignInService, createSignInHandlers(handlers)),
      route(AccountService, createAccountHandlers(handlers)),
    ],
    accounts,
    changes,
    sessionExchange: createSessionExchange({ ...shared }),
    async authTime(id) {
      const session = await sessions.findById(id);
      return session && authTimeOf(session);
    },
    async close() {
      await refusals.settled();
      await countsSweep.close();
      await flows.close();
      await sessions.close();
    },
  };
}
