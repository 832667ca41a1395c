import type { Change, Store, Stored } from "@wellapi/store";
import type { ItemSealer } from "@wellapi/vault";
import { collections, INSTALLATION, REQUEST_INDEX } from "../collections.ts";
import type { CommitWithLeaf, CreatedDocument, Creation } from "../creation.ts";
import { findCreated } from "../creation.ts";
import { DAY } from "../credentials/credential.ts";
import { damaged, notFound, requestIdReused } from "../errors.ts";
import type { ListPage, PageRequest } from "../page.ts";
import { digestOf } from "../secret.ts";
import { type Invitation, isPending, mostMails } from "./invitation.ts";
import type { Body } from "./member.ts";
import { invitationInvalid, tooManyInvitations } from "./member-errors.ts";

export type InvitationDocument = CreatedDocument &
  Omit<Invitation, "email"> & {
    readonly codeDigest: string;
    /** The address, sealed at this place. */
    readonly email?: Uint8Array;
    /** Stands for the address, to find what it was sent. */
    readonly addressMac?: string;
    /** When the last mail of it was sent. */
    readonly mailTime: number;
    /** How many mails of it were sent. */
    readonly mails: number;
  };

/** Invitations, by id and by their code's digest. */
export interface InvitationRepository {
  /**
   * Stores the invitation under a new code, in place of a pending one of the body to the same address. The same request
   * again gives the same invitation, under the new code while it is pending. `guard` must hold in the same commit. Throws
   * `request_id_reused` and `invitation_limit`.
   */
  invite(
    invitation: Invitation,
    code: string,
    creation: Creation,
    commit: CommitWithLeaf,
    guard: () => Promise<readonly Change[]>,
  ): Promise<Invitation>;
  /** Of the body, newest first. */
  ofBody(body: Body, page: PageRequest): Promise<ListPage<Invitation>>;
  /** Throws `not_found`, also for one of another body. */
  invitation(body: Body, id: string): Promise<Invitation>;
  /** The pending invitation with this code. Throws `invitation_invalid`. */
  withCode(
    code: string,
    now: number,
  ): Promise<{ readonly invitation: Invitation; readonly revision: number }>;
  /** The change that ends it, refused as a conflict where it changed since. */
  ending(
    held: { readonly invitation: Invitation; readonly revision: number },
    now: number,
    account: string,
  ): Promise<Change>;
  /** Takes it back; unchanged where it has ended. Throws `not_found`. */
  takeBack(
    body: Body,
    id: string,
    now: number,
    commit: CommitWithLeaf,
    also: (ended: Invitation) => readonly Change[],
  ): Promise<Invitation>;
  /** Ends one that a restore brought back. */
  replayEnd(id: string, time: number, commit: CommitWithLeaf): Promise<void>;
}

const { invitations } = collections;
/** Expired ones stay so long, for those who look what became of them. Milliseconds. */
export const keptMs = 30 * DAY;

export interface InvitationRepositoryOptions {
  readonly store: Store;
  readonly sealer: ItemSealer;
  /** Stands for an address, which comes in the form in which it is compared. */
  readonly macOf: (text: string) => string;
}

export function createInvitationRepository(options: InvitationRepositoryOptions): InvitationRepository {
  const { store, sealer } = options;
  const get = (id: string) => storedInvitation(store, id);
  const toInvitation = (document: InvitationDocument) => invitationOf(sealer, document);

  return {
    invite: (...asked) => invite(options, ...asked),
    async ofBody(body, { size, cursor }) {
      const page = await store.scan<InvitationDocument>(invitations, {
        index: "body",
        equals: [INSTALLATION, body],
        order: "descending",
        limit: size,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const items = page.documents.map(({ document }) => toInvitation(document));
      return { items, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async invitation(body, id) {
      const stored = await get(id);
      if (stored?.document.body !== body) throw notFound("invitation");
      return toInvitation(stored.document);
    },
    async withCode(code, now) {
      const scan = { index: "code", equals: [INSTALLATION, digestOf(code)], limit: 1 };
      const found = (await store.scan<InvitationDocument>(invitations, scan)).documents[0];
      const invitation = found && toInvitation(found.document);
      if (!invitation || !isPending(invitation, now)) throw invitationInvalid();
      return { invitation, revision: found.revision };
    },
    async ending({ invitation, revision }, now, account) {
      const stored = await get(invitation.id);
      if (stored === undefined) throw invitationInvalid();
      return writing({ ...stored.document, endTime: now, account }, revision);
    },
    async takeBack(body, id, now, commit, also) {
      for (;;) {
        const stored = await get(id);
        if (stored?.document.body !== body) throw notFound("invitation");
        const { document, revision } = stored;
        if (document.endTime !== undefined) return toInvitation(document);
        const ended = { ...document, endTime: now };
        const result = await commit({
          partition: INSTALLATION,
          changes: [writing(ended, revision), ...also(toInvitation(ended))],
        });
        if (result.committed) return toInvitation(ended);
      }
    },
    async replayEnd(id, time, commit) {
      const stored = await get(id);
      if (stored === undefined || stored.document.endTime !== undefined) return;
      const ended = { ...stored.document, endTime: time };
      await commit({ partition: INSTALLATION, changes: [writing(ended, stored.revision)] });
    },
  };
}

async function invite(
  options: InvitationRepositoryOptions,
  ...[invitation, code, creation, commit, guard]: Parameters<InvitationRepository["invite"]>
): Promise<Invitation> {
  const { store, sealer } = options;
  const asked = documentOf(options, invitation, code, creation);
  for (;;) {
    const before = await findCreated<InvitationDocument>(store, invitations, creation);
    const stored = before && (await storedInvitation(store, before.id));
    const { mails, pending } = await sentTo(store, asked);
    let changes: readonly Change[];
    if (stored === undefined) {
      const ended = pending.map(({ document, revision }) =>
        writing({ ...document, endTime: asked.createTime }, revision),
      );
      changes = [{ kind: "insert", collection: invitations, document: asked }, ...ended];
    } else {
      changes = sentAgain(stored, asked);
      if (changes.length === 0) return invitationOf(sealer, stored.document);
    }
    checkLimits(mails);
    const result = await commit({ partition: INSTALLATION, changes: [...changes, ...(await guard())] });
    if (result.committed) return invitationOf(sealer, stored?.document ?? asked);
    if (result.reason === "duplicate" && result.index !== REQUEST_INDEX) {
      throw damaged("a new invitation's id or code exists");
    }
  }
}

function documentOf(
  { sealer, macOf }: InvitationRepositoryOptions,
  invitation: Invitation,
  code: string,
  creation: Creation,
): InvitationDocument {
  const { email, ...rest } = invitation;
  return {
    ...rest,
    ...creation,
    partition: INSTALLATION,
    codeDigest: digestOf(code),
    mailTime: invitation.createTime,
    mails: 1,
    ...(email !== undefined && {
      email: sealer.seal(placeOf(invitation.id), Buffer.from(email)),
      addressMac: macOf(email),
    }),
  };
}

/** What the same request changes when it comes again; nothing where the invitation has ended. Throws `request_id_reused`. */
function sentAgain(
  { document, revision }: Stored<InvitationDocument>,
  asked: InvitationDocument,
): readonly Change[] {
  const same =
    document.body === asked.body &&
    document.addressMac === asked.addressMac &&
    String(document.roles) === String(asked.roles);
  if (!same) throw requestIdReused();
  if (document.endTime !== undefined || asked.createTime >= document.expireTime) return [];
  const again = { mailTime: asked.createTime, mails: document.mails + 1, codeDigest: asked.codeDigest };
  return [writing({ ...document, ...again }, revision)];
}

function storedInvitation(store: Store, id: string): Promise<Stored<InvitationDocument> | undefined> {
  return store.get<InvitationDocument>(invitations, [INSTALLATION, id]);
}

export function placeOf(id: string): readonly string[] {
  return [invitations, id];
}

/** Throws VaultError `tampered`. */
export function invitationOf(sealer: ItemSealer, document: InvitationDocument): Invitation {
  const { id, body, roles, inviter, createTime, expireTime, endTime, account, email } = document;
  return {
    id,
    body,
    roles,
    inviter,
    createTime,
    expireTime,
    ...(endTime === undefined ? {} : { endTime }),
    ...(account === undefined ? {} : { account }),
    ...(email === undefined ? {} : { email: Buffer.from(sealer.open(placeOf(id), email)).toString() }),
  };
}

function writing(document: InvitationDocument, ifRevision: number): Change {
  return { kind: "replace", collection: invitations, document, ifRevision };
}

/** What was mailed within a day to the address and by the body, and the body's pending invitations to the address. */
async function sentTo(store: Store, { body, addressMac, createTime: now }: InvitationDocument) {
  const mails = { ofAddress: 0, ofBody: 0 };
  if (addressMac === undefined) return { mails, pending: [] };
  const since = { from: now - DAY };
  const [toAddress, ofBody] = await Promise.all([
    store.scan<InvitationDocument>(invitations, {
      index: "address",
      equals: [INSTALLATION, addressMac],
      order: "descending",
      limit: 100,
    }),
    store.scan<InvitationDocument>(invitations, {
      index: "body",
      equals: [INSTALLATION, body],
      range: since,
      limit: mostMails.ofBody,
    }),
  ]);
  for (const { document } of toAddress.documents) {
    if (document.mailTime >= since.from) mails.ofAddress += document.mails;
  }
  for (const { document } of ofBody.documents) mails.ofBody += document.mails;
  const pending = toAddress.documents.filter(
    ({ document }) => document.body === body && document.endTime === undefined && now < document.expireTime,
  );
  return { mails, pending };
}

function checkLimits({ ofAddress, ofBody }: { readonly ofAddress: number; readonly ofBody: number }): void {
  if (ofAddress >= mostMails.ofAddress) throw tooManyInvitations("this address was sent 5 invitations today");
  if (ofBody >= mostMails.ofBody) throw tooManyInvitations("100 invitations were sent today");
}
