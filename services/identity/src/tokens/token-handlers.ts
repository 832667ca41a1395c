import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import type { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { callerKey } from "@wellapi/rpc";
import type { Accesses } from "../accesses.ts";
import { fromExchangeRequest, toCallLimits } from "../convert.ts";
import { withoutHolder } from "../credentials/refused-holder.ts";
import type { CredentialExchange } from "./exchange.ts";
import { createPatientTokenHandlers, type PatientTokenHandlersDeps } from "./patient-token-handlers.ts";
import type { SigningKeys } from "./signing-keys.ts";

export function createTokenHandlers(
  deps: PatientTokenHandlersDeps & { readonly keys: SigningKeys },
): ServiceImpl<typeof TokenService> {
  const { accesses, keys } = deps;
  return {
    ...createPatientTokenHandlers(deps),
    async getJwks() {
      return { jwks: JSON.stringify(keys.jwks()) };
    },
    rotateSigningKey({ immediately }, context) {
      return accesses.logged(context, TokenService.method.rotateSigningKey, "", async () => {
        const { kid, signTime, dropped } = await keys.rotate(immediately);
        return { kid, signTime: timestampFromMs(signTime), droppedKids: [...dropped] };
      });
    },
  };
}

export function createTokenExchangeHandlers({
  exchange,
  accesses,
}: {
  readonly exchange: CredentialExchange;
  readonly accesses: Pick<Accesses, "denied">;
}): ServiceImpl<typeof TokenExchangeService> {
  return {
    // No leaf: the call that the token is for leaves its own.
    async exchangeCredential(request, context) {
      const { workload } = context.values.get(callerKey);
      const shown = fromExchangeRequest(request);
      const exchanged = await exchange.exchange(shown, workload, request.callerAddress).catch((error) => {
        // A door of a version before would pass it on.
        throw request.tellHolder ? error : withoutHolder(error);
      });
      const { token, expireTime, rates, denied, nonce = "", allowedOrigins = [] } = exchanged;
      const limits = rates && toCallLimits(rates);
      const deniedCalls = [...denied].map(([rpc, { policy = "", reason }]) => ({ rpc, policy, reason }));
      const answer = {
        token,
        expireTime: timestampFromMs(expireTime),
        dpopNonce: nonce,
        deniedCalls,
        allowedOrigins: [...allowedOrigins],
      };
      return limits === undefined ? answer : { ...answer, limits };
    },
    async recordDenials({ method, count, reason }, context) {
      // A door of a version before gives no reason.
      await accesses.denied(context.values.get(callerKey), method, count, reason || "CALLER_NOT_PERMITTED");
      return {};
    },
  };
}
