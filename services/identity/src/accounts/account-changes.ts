import type { Fact, Follower } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Change } from "@wellapi/store";
import type { FrozenRecords } from "../death/frozen-records.ts";
import { recordFrozen } from "../errors.ts";
import { writeDown } from "../journal-entries.ts";
import type { AlertOutbox } from "../mail/alert-outbox.ts";
import type { Mail } from "../mail/mailer.ts";
import { type AlertKind, alertMail } from "../mail/texts.ts";
import { newSecret } from "../secret.ts";
import { credentialOf, FRESH_TIME, SESSION_LIFETIME, type Session } from "../sessions/session.ts";
import type { SessionRepository } from "../sessions/session-repository.ts";
import { type Account, accountPartition } from "./account.ts";
import type { AccountAccesses, AccountCall } from "./account-accesses.ts";
import { endOf, removedPasskeys } from "./account-journal.ts";
import type { AccountRepository, StoredAccount } from "./account-repository.ts";

/** A new session. */
export interface SignedIn {
  readonly session: Session;
  /** The credential, shown this once. */
  readonly credential: string;
}

export interface SignInAs {
  readonly assurance: "code" | "passkey";
  readonly fresh: boolean;
  readonly registered?: boolean;
  /** The session that the new one replaces, whose end stays: proving it again makes no sign-in longer. */
  readonly replaces?: Session;
}

/** One change of an account, with what belongs to it. */
export interface AccountChange {
  readonly call: AccountCall;
  /** Asked again where the account changed meanwhile; what it throws refuses the call. */
  readonly change?: (account: Account) => Account;
  /** Makes a session. */
  readonly signIn?: SignInAs;
  /** Sessions that end; those of another account are not touched. */
  readonly ends?: (session: Session) => boolean;
  /** Told to the account's address, and to the one before where it changed. */
  readonly alert?: AlertKind;
  readonly mail?: (account: Account) => readonly Mail[];
  readonly etag?: string;
}

export interface Changed extends StoredAccount {
  readonly ended: readonly string[];
}

/**
 * Changes of accounts: the account, its sessions, the alerts and the entry in the log change in one commit, so that nobody
 * signs in by what is taken away, and nothing is taken away without a word.
 */
export interface AccountChanges {
  create(account: Account, call: AccountCall, signIn: SignInAs): Promise<SignedIn>;
  apply(id: string, change: AccountChange): Promise<Changed>;
  /** As `apply`, with a new session. Throws `record_frozen` where the person died. */
  signIn(id: string, change: AccountChange & { readonly signIn: SignInAs }): Promise<Changed & SignedIn>;
}

export function createAccountChanges(deps: {
  readonly accounts: AccountRepository;
  readonly sessions: SessionRepository;
  readonly accesses: AccountAccesses;
  readonly alerts: AlertOutbox;
  readonly origin: () => string;
  readonly frozen: Pick<FrozenRecords, "ofAccount">;
  readonly ended: (id: string) => void;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
}): AccountChanges {
  const { accounts, sessions, accesses, alerts, frozen, journal, clock, ids } = deps;

  function newSession(account: string, { assurance, fresh, registered, replaces }: SignInAs) {
    const now = clock.now();
    const secret = newSecret();
    const session: Session = {
      id: ids.next("ses"),
      account,
      createTime: replaces?.createTime ?? now,
      lastUseTime: now,
      expireTime: replaces?.expireTime ?? now + SESSION_LIFETIME,
      assurance,
      ...(fresh && { freshUntil: now + FRESH_TIME }),
      ...(registered && { registered }),
    };
    const signedIn: SignedIn = { session, credential: credentialOf(session.id, secret) };
    return { signedIn, insertion: sessions.insertion(session, secret) };
  }

  async function apply(
    id: string,
    asked: AccountChange,
    insertion?: Change,
    made?: string,
  ): Promise<Changed> {
    const { change = (account) => account, ends = () => false, etag } = asked;
    const call = made === undefined ? asked.call : { ...asked.call, session: made };
    let ended: readonly Session[] = [];
    let facts: readonly Fact[] = [];
    const stored = await accounts.amend(
      id,
      async (before) => {
        const account = { ...change(before), updateTime: clock.now() };
        ended = asked.ends === undefined ? [] : (await sessions.list(id)).filter(ends);
        const mails = mailsOf(before, account, asked, deps.origin);
        // Whoever proves it again goes on with another session: nobody needs the one before to be refused after a restore.
        const replaced = asked.signIn?.replaces?.id;
        const gone = ended.map((session) => session.id).filter((one) => one !== replaced);
        facts = [...gone, ...removedPasskeys(before, account)].map((one) => endOf(id, one, clock.now()));
        const changes = [
          ...ended.map(sessions.deletion),
          ...(insertion === undefined ? [] : [insertion]),
          ...mails.map((mail) => alerts.insertion(accountPartition(id), mail)),
          ...facts.map(journal.owed),
          accesses.leaf(account, call),
        ];
        return { account, changes };
      },
      etag,
    );
    for (const session of ended) deps.ended(session.id);
    alerts.kick();
    await accesses.committed(stored.account, call);
    await Promise.all(facts.map((fact) => writeDown(journal, fact)));
    return { ...stored, ended: ended.map((session) => session.id) };
  }

  return {
    apply: (id, change) => apply(id, change),
    async signIn(id, change) {
      const known = (await accounts.find(id))?.account;
      if (known !== undefined && (await frozen.ofAccount(known))) {
        await accesses.denied(known, change.call, "RECORD_FROZEN");
        throw recordFrozen();
      }
      const { signedIn, insertion } = newSession(id, change.signIn);
      const changed = await apply(id, change, insertion, signedIn.session.id);
      return { ...changed, ...signedIn };
    },
    async create(account, call, signIn) {
      const { signedIn, insertion } = newSession(account.id, signIn);
      const named = { ...call, session: signedIn.session.id };
      await accounts.create(account, [insertion, accesses.leaf(account, named)]);
      await accesses.committed(account, named);
      return signedIn;
    },
  };
}

function mailsOf(
  before: Account,
  after: Account,
  { alert, mail }: AccountChange,
  origin: () => string,
): readonly Mail[] {
  const told = before.email === after.email ? [after] : [before, after];
  return [
    ...(alert === undefined ? [] : told.map((account) => alertMail(account, alert, origin()))),
    ...(mail?.(after) ?? []),
  ];
}
