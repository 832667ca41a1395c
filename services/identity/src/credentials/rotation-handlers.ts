import type { ServiceImpl } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import type { Follower } from "@wellapi/journal";
import type { Logger } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import { INSTALLATION } from "../collections.ts";
import { fromDuration, fromLifetime, toCredentialMessage } from "../convert.ts";
import { invalidField } from "../errors.ts";
import { revocationOf, shorteningOf, writeDown } from "../journal-entries.ts";
import { digestOf } from "../secret.ts";
import type { Answers } from "./answers.ts";
import { apiKeyHint, newApiKey, useOfApiKey } from "./api-key.ts";
import { type Credential, endingBy, lifetimes, overlap, replacedBy } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";
import type { LeakNotice } from "./leak-notice.ts";
import type { KeyMaking } from "./operator.ts";
import type { CheckAgain } from "./operator-handlers.ts";
import { credentialFor } from "./ownership.ts";

const { method } = CredentialService;

export interface RotationHandlersDeps extends KeyMaking {
  readonly accesses: Accesses;
  readonly credentials: CredentialRepository;
  readonly answers: Answers;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly log: Logger;
  readonly checkAgain: CheckAgain;
  readonly leakNotice: LeakNotice;
  /** Called after an earlier end of a credential is durable. */
  readonly revoked: (credential: string) => void;
}

type Handlers = ServiceImpl<typeof CredentialService>;

/** The RPCs that end an API key other than by its own end or its owner's revocation. */
export function createRotationHandlers(
  deps: RotationHandlersDeps,
): Pick<Handlers, "rotateApiKey" | "reportLeakedApiKey"> {
  const { accesses, credentials, answers, journal, clock, checkAgain, revoked } = deps;
  return {
    rotateApiKey(request, context) {
      return accesses.logged(context, method.rotateApiKey, "", async ({ caller, commit }) => {
        const overlapMs = fromDuration("overlap", request.overlap, { ...overlap, min: 0 });
        const { answer, again } = await answers.once(caller, method.rotateApiKey, request, async (keep) => {
          const end = clock.now() + overlapMs;
          const { apiKey, credential: next } = successorOf(
            deps,
            await credentialFor(caller, credentials, request.credential),
            request,
          );
          const answered = (old: Credential) => ({
            credential: toCredentialMessage(next),
            apiKey,
            replaced: toCredentialMessage(old),
          });
          const replaced = await credentials.replace(
            request.credential,
            (old) => ({ old: endingBy(replacedBy(old, next.id, clock.now()), end), next }),
            commit(),
            (old) => [journal.owed(shorteningOf(old)), keep(INSTALLATION, answered(old))],
          );
          return replaced && answered(replaced.old);
        });
        if (again) await checkAgain(answer);
        // So that no door believes the old key for longer than it lives.
        else revoked(request.credential);
        await writeDown(journal, shorteningOf(await credentials.credential(request.credential)));
        return answer;
      });
    },
    async reportLeakedApiKey({ apiKey }, context) {
      const found = await credentialOf(deps, apiKey);
      if (found === undefined) return {};
      if (found.revokeTime === undefined) await revokeLeaked(deps, found, context);
      // Also where it was revoked before: an earlier call may have failed here.
      await writeDown(journal, revocationOf(await credentials.credential(found.id)));
      return {};
    },
  };
}

/** A key in the place of another one: of the same holder, with the same name and limits. Throws `invalid`. */
function successorOf(
  { clock, ids, keyUse }: RotationHandlersDeps,
  { kind, holder, displayName, scopes, networks }: Credential,
  { lifetime }: { readonly lifetime?: Parameters<typeof fromLifetime>[0] },
) {
  if (kind !== "api_key") {
    throw invalidField("credential", "it is a certificate: its holder renews it (RenewCertificate)");
  }
  const limits = holder.kind === "operator" ? lifetimes.operatorKey : lifetimes.apiKey;
  const apiKey = newApiKey(keyUse);
  const now = clock.now();
  const credential: Credential = {
    id: ids.next("crd"),
    kind,
    holder,
    fingerprint: digestOf(apiKey),
    createTime: now,
    expireTime: now + fromLifetime(lifetime, limits),
    hint: apiKeyHint(apiKey),
    ...(displayName !== undefined && { displayName }),
    ...(scopes !== undefined && { scopes }),
    ...(networks !== undefined && { networks }),
  };
  return { apiKey, credential };
}

async function credentialOf({ credentials }: RotationHandlersDeps, apiKey: string) {
  if (useOfApiKey(apiKey) === undefined) return undefined;
  const found = await credentials.findByFingerprint(digestOf(apiKey));
  return found?.kind === "api_key" ? found : undefined;
}

/** Also the last operator's: whoever found it may use it, and a restart makes another one. */
async function revokeLeaked(
  { accesses, credentials, journal, clock, log, leakNotice, revoked }: RotationHandlersDeps,
  { id, holder }: Credential,
  context: Parameters<Handlers["reportLeakedApiKey"]>[1],
): Promise<void> {
  await accesses.logged(context, method.reportLeakedApiKey, "", async ({ showed, commit }) => {
    showed({ organization: holder.kind === "application" ? holder.organization : "", credential: id });
    const { changed } = await credentials.revoke(id, clock.now(), commit(), async (credential) => [
      journal.owed(revocationOf(credential)),
      ...(await leakNotice.changes(credential)),
    ]);
    if (!changed) return;
    leakNotice.committed();
    revoked(id);
    log.warn(
      `the API key ${id} was reported as leaked, and is revoked; its owners are told by mail where they have accounts`,
    );
  });
}
