import type { ServiceImpl } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { callerKey, type PageTokens } from "@wellapi/rpc";
import type { Accesses } from "../accesses.ts";
import { INSTALLATION } from "../collections.ts";
import { fromLifetime, toCredentialMessage } from "../convert.ts";
import { openPage } from "../page.ts";
import type { Answers } from "./answers.ts";
import { readKeyTerms } from "./api-key-limits.ts";
import { lifetimes } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";
import { type KeyMaking, newOperatorKey } from "./operator.ts";

const { method } = CredentialService;

/** Refuses to repeat an answer whose credential was revoked since. */
export type CheckAgain = (answer: {
  readonly credential?: { readonly id: string } | undefined;
}) => Promise<void>;

/** The RPCs on operators' keys. */
export function createOperatorHandlers(
  deps: KeyMaking & {
    readonly accesses: Accesses;
    readonly credentials: CredentialRepository;
    readonly answers: Answers;
    readonly pageTokens: PageTokens;
    readonly checkAgain: CheckAgain;
  },
): Pick<ServiceImpl<typeof CredentialService>, "createOperatorKey" | "listOperatorKeys"> {
  const { accesses, credentials, answers, pageTokens, checkAgain } = deps;
  return {
    createOperatorKey(request, context) {
      const { createOperatorKey } = method;
      return accesses.logged(context, createOperatorKey, "", async ({ caller, commit }) => {
        const lifetime = fromLifetime(request.lifetime, lifetimes.operatorKey);
        const terms = readKeyTerms(request);
        const { answer, again } = await answers.once(caller, createOperatorKey, request, async (keep) => {
          const { operator, apiKey, credential } = newOperatorKey(deps, terms, lifetime);
          const made = { credential: toCredentialMessage(credential), apiKey };
          const also = [keep(INSTALLATION, made)];
          return (await credentials.insertOperator(operator, credential, commit(), also)) ? made : undefined;
        });
        if (again) await checkAgain(answer);
        return answer;
      });
    },
    async listOperatorKeys(request, context) {
      const caller = context.values.get(callerKey);
      const page = openPage(pageTokens, caller, method.listOperatorKeys, request);
      const { items, cursor } = await credentials.ofOperators(page.request);
      return { credentials: items.map(toCredentialMessage), nextPageToken: page.nextPageToken(cursor) };
    },
  };
}
