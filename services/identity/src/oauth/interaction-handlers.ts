import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  Interaction_Asked,
  type InteractionSchema,
  OAuthInteractionService,
  RequestedScope_Kind,
  type RequestedScopeSchema,
} from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { parseScope } from "@wellapi/scopes";
import type { Accesses } from "../accesses.ts";
import { toTermsMessage } from "./client-convert.ts";
import type { Asked, Interaction, Interactions } from "./interactions.ts";
import { isPersonScope } from "./person-scopes.ts";

const { method } = OAuthInteractionService;

export function createInteractionHandlers(deps: {
  readonly interactions: Interactions;
  readonly accesses: Pick<Accesses, "logged">;
}): ServiceImpl<typeof OAuthInteractionService> {
  const { interactions, accesses } = deps;
  return {
    async getInteraction({ interaction }) {
      return { interaction: toMessage(await interactions.find(interaction)) };
    },
    async openDeviceInteraction({ userCode }) {
      return { interaction: toMessage(await interactions.findDevice(userCode)) };
    },
    completeInteraction({ interaction, grantedScopes, consents }, context) {
      return accesses.logged(context, method.completeInteraction, "", async (call) => {
        const { id, partition } = call.caller.principal;
        if (partition !== undefined) call.about({ id, partition });
        const agreed = { scopes: grantedScopes, consents };
        return { redirectUri: await interactions.complete(interaction, agreed, call) };
      });
    },
    async abortInteraction({ interaction }) {
      return { redirectUri: await interactions.abort(interaction) };
    },
  };
}

const askedMessages: Readonly<Record<Asked, Interaction_Asked>> = {
  patient: Interaction_Asked.PATIENT,
  member: Interaction_Asked.MEMBER,
  person: Interaction_Asked.PERSON,
  staff: Interaction_Asked.STAFF,
};

function toMessage(interaction: Interaction): MessageInitShape<typeof InteractionSchema> {
  const { application, organization, scopes, redirectUri, userCode = "" } = interaction;
  const { terms, patientAccess } = application.oauth;
  const touches = scopes.some((scope) => parseScope(scope)?.context === "patient");
  return {
    id: interaction.id,
    asked: askedMessages[interaction.asked],
    client: {
      application: application.id,
      displayName: application.displayName,
      organization: organization.id,
      organizationName: organization.verification?.legalName ?? organization.displayName,
      organizationVerified: organization.verification !== undefined,
      patientAccess,
      redirectHost: redirectUri === undefined ? "" : hostOf(redirectUri),
    },
    scopes: scopes.map(toScopeMessage),
    ...(touches && terms && { terms: toTermsMessage(terms) }),
    signInAgain: interaction.signInAfter !== undefined,
    ...(interaction.signInAfter !== undefined && {
      signInAfter: timestampFromMs(interaction.signInAfter),
    }),
    loginHint: interaction.loginHint,
    uiLocales: [...interaction.locales],
    userCode,
    startTime: timestampFromMs(interaction.startTime),
    expireTime: timestampFromMs(interaction.expireTime),
    clockAhead: durationFromMs(interaction.clockAheadMs),
  };
}

/** Of an app's own scheme, the scheme. */
function hostOf(uri: string): string {
  const { host, protocol } = new URL(uri);
  return /^https?:$/.test(protocol) ? host : protocol.slice(0, -1);
}

function toScopeMessage(scope: string): MessageInitShape<typeof RequestedScopeSchema> {
  const smart = parseScope(scope);
  if (smart === undefined) return { scope, kind: kindOf(scope), required: scope === "openid" };
  const { context, resource, permissions, categories } = smart;
  const kind = context === "patient" ? RequestedScope_Kind.PATIENT_DATA : RequestedScope_Kind.USER_DATA;
  const query = categories === undefined ? "" : `category=${categories.join(",")}`;
  return { scope, kind, resource, permissions, query };
}

function kindOf(scope: string): RequestedScope_Kind {
  if (isPersonScope(scope)) return RequestedScope_Kind.OWN;
  if (scope === "launch/patient") return RequestedScope_Kind.LAUNCH;
  return /^o(ff|n)line_access$/.test(scope) ? RequestedScope_Kind.OFFLINE : RequestedScope_Kind.SIGN_IN;
}
