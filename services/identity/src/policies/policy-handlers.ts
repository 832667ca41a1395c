import type { ServiceImpl } from "@connectrpc/connect";
import { PolicyService } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import type { PolicyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/policy_directory_service_pb";
import { checkRestriction } from "@wellapi/policy";
import { type Caller, callerKey } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import type { CreationOf } from "../creation.ts";
import { IdentityError, invalidField, notFound, requestIdReused, tooManyPolicies } from "../errors.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { ExplainCall } from "./explanation-handlers.ts";
import { contentOf, mostPolicies, type StoredPolicy, withoutPolicy, withPolicy } from "./policy.ts";
import { toMistakeMessage, toPolicyMessage } from "./policy-convert.ts";
import { organizationOf } from "./policy-organization.ts";
import type { PolicyRepository } from "./policy-repository.ts";

const { method } = PolicyService;

export interface PolicyHandlersDeps {
  readonly accesses: Accesses;
  readonly policies: PolicyRepository;
  readonly organizations: OrganizationRepository;
  readonly creationOf: CreationOf;
  readonly explain: ExplainCall;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Tells the doors to forget what they know of the organization's callers. */
  readonly ended: (organization: string) => void;
}

export function createPolicyHandlers(deps: PolicyHandlersDeps): ServiceImpl<typeof PolicyService> {
  const { accesses, policies, organizations, creationOf, clock, ids, ended } = deps;

  async function organizationFor(caller: Caller, asked: string): Promise<string> {
    return (await organizations.organization(organizationOf(caller, asked))).id;
  }

  function mistakesOf(organization: string, text: string) {
    const owns = async (application: string): Promise<boolean> => {
      try {
        return (await organizations.application(application)).organization === organization;
      } catch (error) {
        if (error instanceof IdentityError && error.code === "not_found") return false;
        throw error;
      }
    };
    return checkRestriction(text, { organization, owns });
  }

  return {
    createPolicy({ policy: asked, requestId }, context) {
      return accesses.logged(context, method.createPolicy, requestId, async ({ caller, commit }) => {
        const { text = "", reason = "" } = asked ?? {};
        const organization = await organizationFor(caller, asked?.organization ?? "");
        const mistakes = await mistakesOf(organization, text);
        if (mistakes.length > 0) throw invalidField("policy.text", describe(mistakes));
        const policy: StoredPolicy = {
          id: ids.next("pol"),
          text,
          reason,
          createTime: clock.now(),
          ...creationOf(caller.principal.id, requestId),
        };
        const before = (one: StoredPolicy) =>
          one.creator === policy.creator && one.requestId === policy.requestId;
        const result = await policies.change(
          organization,
          (current) => {
            const made = current.policies.find(before);
            if (made !== undefined) {
              if (contentOf(made) !== contentOf(policy)) throw requestIdReused();
              return current;
            }
            if (current.policies.length >= mostPolicies) throw tooManyPolicies(mostPolicies);
            return withPolicy(current, policy);
          },
          commit(),
        );
        ended(organization);
        return { policy: toPolicyMessage(organization, result.policies.find(before)!) };
      });
    },
    async getPolicy({ policy: id, organization: asked }, context) {
      const organization = await organizationFor(context.values.get(callerKey), asked);
      const policy = (await policies.policies(organization)).policies.find((one) => one.id === id);
      if (policy === undefined) throw notFound("policy");
      return { policy: toPolicyMessage(organization, policy) };
    },
    async listPolicies({ organization: asked }, context) {
      const organization = await organizationFor(context.values.get(callerKey), asked);
      const { policies: all } = await policies.policies(organization);
      return { policies: all.map((one) => toPolicyMessage(organization, one)) };
    },
    deletePolicy({ policy: id, organization: asked }, context) {
      return accesses.logged(context, method.deletePolicy, "", async ({ caller, commit }) => {
        const organization = await organizationFor(caller, asked);
        await policies.change(organization, (current) => withoutPolicy(current, id), commit());
        ended(organization);
        return {};
      });
    },
    async validatePolicy({ text, organization: asked }, context) {
      const organization = await organizationFor(context.values.get(callerKey), asked);
      return { mistakes: (await mistakesOf(organization, text)).map(toMistakeMessage) };
    },
    explainCall: deps.explain,
  };
}

export function createPolicyDirectoryHandlers({
  policies,
}: {
  readonly policies: PolicyRepository;
}): ServiceImpl<typeof PolicyDirectoryService> {
  return {
    async getRestrictions({ organization }) {
      const { version, policies: all } = await policies.policies(organization);
      const restrictions = all.map(({ id, reason, text }) => ({ id, reason, text }));
      return { version: BigInt(version), restrictions };
    },
  };
}

function describe(mistakes: readonly { message: string; help?: string; line?: number }[]): string {
  return mistakes
    .map(({ message, help, line }) => {
      const where = line === undefined ? "" : `line ${line}: `;
      return `${where}${message}${help === undefined ? "" : ` (${help})`}`;
    })
    .join("; ");
}
