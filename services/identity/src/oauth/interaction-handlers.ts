import type { ServiceImpl } from "@connectrpc/connect";
import type { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { notFound } from "../errors.ts";

/** Until there is an authorization endpoint, nobody has begun an interaction. */
export function createInteractionHandlers(): ServiceImpl<typeof OAuthInteractionService> {
  const none = async (): Promise<never> => {
    throw notFound("interaction");
  };
  return {
    getInteraction: none,
    openDeviceInteraction: none,
    completeInteraction: none,
    abortInteraction: none,
  };
}
