import type { ServiceImpl } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import type { Follower } from "@wellapi/journal";
import { callerKey, type PageTokens } from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Accesses } from "../accesses.ts";
import { INSTALLATION } from "../collections.ts";
import { fromLifetime, toCredentialMessage } from "../convert.ts";
import { credentialRevoked } from "../errors.ts";
import { revocationOf, writeDown } from "../journal-entries.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { openPage } from "../page.ts";
import { digestOf } from "../secret.ts";
import type { Answers } from "./answers.ts";
import { apiKeyHint, newApiKey } from "./api-key.ts";
import { readKeyTerms } from "./api-key-limits.ts";
import type { SignCertificate } from "./certificate-issue.ts";
import { type Credential, lifetimes } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";
import type { EnrollmentCodeRepository } from "./enrollment-code-repository.ts";
import { createEnrollmentHandlers } from "./enrollment-handlers.ts";
import type { LeakNotice } from "./leak-notice.ts";
import { guardOperators, type KeyMaking } from "./operator.ts";
import { type CheckAgain, createOperatorHandlers } from "./operator-handlers.ts";
import { applicationFor, credentialFor } from "./ownership.ts";
import { createRotationHandlers } from "./rotation-handlers.ts";

const { method } = CredentialService;

export interface CredentialHandlersDeps extends KeyMaking {
  readonly store: Store;
  readonly accesses: Accesses;
  readonly organizations: OrganizationRepository;
  readonly credentials: CredentialRepository;
  readonly answers: Answers;
  readonly pageTokens: PageTokens;
  readonly codes: EnrollmentCodeRepository;
  readonly sign: SignCertificate;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly log: Logger;
  readonly leakNotice: LeakNotice;
  /** Called after a revocation is durable. */
  readonly revoked: (credential: string) => void;
}

type Handlers = ServiceImpl<typeof CredentialService>;

export function createCredentialHandlers(deps: CredentialHandlersDeps): Handlers {
  const checkAgain = createCheckAgain(deps);
  return {
    ...createIssueHandlers(deps, checkAgain),
    ...createOperatorHandlers({ ...deps, checkAgain }),
    ...createRotationHandlers({ ...deps, checkAgain }),
    ...createEnrollmentHandlers({ ...deps, checkAgain }),
    ...createKeptHandlers(deps),
  };
}

/** For a repeated request: it must not return a credential that was revoked since, nor make another one. */
function createCheckAgain({ credentials }: CredentialHandlersDeps): CheckAgain {
  return async ({ credential }) => {
    const { revokeTime } = await credentials.credential(credential?.id ?? "");
    if (revokeTime !== undefined) throw credentialRevoked();
  };
}

/** The RPCs that make credentials of applications. */
function createIssueHandlers(
  deps: CredentialHandlersDeps,
  checkAgain: CheckAgain,
): Pick<Handlers, "issueCertificate" | "createApiKey"> {
  const { accesses, organizations, credentials, answers, sign, clock, ids, keyUse } = deps;

  return {
    issueCertificate(request, context) {
      return accesses.logged(context, method.issueCertificate, "", async ({ caller, commit }) => {
        const lifetime = fromLifetime(request.lifetime, lifetimes.certificate);
        const { answer, again } = await answers.once(
          caller,
          method.issueCertificate,
          request,
          async (keep) => {
            const { id: application } = await applicationFor(caller, organizations, request.application);
            const { credential, guard, made } = await sign(application, request.certificateRequest, lifetime);
            const stored = await credentials.insert(credential, commit(), [guard, keep(INSTALLATION, made)]);
            return stored ? made : undefined;
          },
        );
        if (again) await checkAgain(answer);
        return answer;
      });
    },
    createApiKey(request, context) {
      return accesses.logged(context, method.createApiKey, "", async ({ caller, commit }) => {
        const lifetime = fromLifetime(request.lifetime, lifetimes.apiKey);
        const terms = readKeyTerms(request);
        const { answer, again } = await answers.once(caller, method.createApiKey, request, async (keep) => {
          const asked = await applicationFor(caller, organizations, request.application);
          const { id: application, organization } = asked;
          const guard = await organizations.holding("application", application);
          const apiKey = newApiKey(keyUse);
          const now = clock.now();
          const credential: Credential = {
            id: ids.next("crd"),
            kind: "api_key",
            holder: { kind: "application", application, organization },
            fingerprint: digestOf(apiKey),
            createTime: now,
            expireTime: now + lifetime,
            hint: apiKeyHint(apiKey),
            ...terms,
          };
          const made = { credential: toCredentialMessage(credential), apiKey };
          const stored = await credentials.insert(credential, commit(), [guard, keep(INSTALLATION, made)]);
          return stored ? made : undefined;
        });
        if (again) await checkAgain(answer);
        return answer;
      });
    },
  };
}

/** The RPCs on existing credentials. */
function createKeptHandlers({
  accesses,
  organizations,
  credentials,
  pageTokens,
  journal,
  clock,
  revoked,
}: CredentialHandlersDeps): Pick<Handlers, "revokeCredential" | "getCredential" | "listCredentials"> {
  return {
    revokeCredential(request, context) {
      return accesses.logged(context, method.revokeCredential, "", async ({ caller, commit }) => {
        const { id } = await credentialFor(caller, credentials, request.credential);
        const { credential, changed } = await credentials.revoke(
          id,
          clock.now(),
          commit(),
          async (credential) => [
            journal.owed(revocationOf(credential)),
            ...(await guardOperators(credentials, credential, clock.now())),
          ],
        );
        if (changed) revoked(credential.id);
        // Also for a credential that was revoked before: an earlier call may have failed here.
        await writeDown(journal, revocationOf(credential));
        return { credential: toCredentialMessage(credential) };
      });
    },
    async getCredential({ credential }, context) {
      const caller = context.values.get(callerKey);
      return { credential: toCredentialMessage(await credentialFor(caller, credentials, credential)) };
    },
    async listCredentials(request, context) {
      const caller = context.values.get(callerKey);
      const { id } = await applicationFor(caller, organizations, request.application);
      const page = openPage(pageTokens, caller, method.listCredentials, request);
      const { items, cursor } = await credentials.ofApplication(id, page.request);
      return { credentials: items.map(toCredentialMessage), nextPageToken: page.nextPageToken(cursor) };
    },
  };
}
