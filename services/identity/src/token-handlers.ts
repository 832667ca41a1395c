import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import type { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { callerKey } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Accesses } from "./accesses.ts";
import type { Answers } from "./answers.ts";
import { fromExchangeRequest, fromLifetime, toCallLimits } from "./convert.ts";
import { DAY } from "./credential.ts";
import { sandboxOnly } from "./errors.ts";
import type { CredentialExchange } from "./exchange.ts";
import type { PatientAccess } from "./patient-access.ts";
import type { PatientRepository } from "./patient-repository.ts";
import type { SigningKeys } from "./signing-keys.ts";
import type { TokenIssuer } from "./token.ts";

/** Of patients' bearer tokens, milliseconds. */
const patientTokenLifetime = { default: 3_600_000, max: DAY } as const;

export function createTokenHandlers(deps: {
  readonly accesses: Accesses;
  readonly answers: Answers;
  readonly patients: PatientRepository;
  readonly patientAccess: PatientAccess;
  readonly tokens: TokenIssuer;
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly sandbox: boolean;
}): ServiceImpl<typeof TokenService> {
  const { accesses, answers, patients, patientAccess, tokens, keys, clock, sandbox } = deps;
  return {
    issuePatientToken(request, context) {
      const { issuePatientToken } = TokenService.method;
      return accesses.logged(context, issuePatientToken, "", async ({ caller, about, commit }) => {
        if (!sandbox) throw sandboxOnly();
        const lifetime = fromLifetime(request.lifetime, patientTokenLifetime);
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        const { answer } = await answers.once(caller, issuePatientToken, request, async (keep) => {
          const claims = {
            tokenId: crypto.randomUUID(),
            patient: patientAccess.outward(caller, patient.id),
            operator: caller.principal.id,
          };
          const { token, expireTime } = await tokens.signPatient(claims, clock.now() + lifetime);
          const made = { token, expireTime: timestampFromMs(expireTime) };
          const { partition } = patient;
          const { committed } = await commit(patient)({ partition, changes: [keep(partition, made)] });
          return committed ? made : undefined;
        });
        return answer;
      });
    },
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

export function createTokenExchangeHandlers(
  exchange: CredentialExchange,
): ServiceImpl<typeof TokenExchangeService> {
  return {
    // No leaf: the call that the token is for leaves its own.
    async exchangeCredential(request, context) {
      const { workload } = context.values.get(callerKey);
      const { token, expireTime, rates } = await exchange.exchange(fromExchangeRequest(request), workload);
      const limits = rates && toCallLimits(rates);
      return { token, expireTime: timestampFromMs(expireTime), ...(limits && { limits }) };
    },
  };
}
