import type { Principal } from "@wellapi/rpc";
import { type SmartContext, scopesWithin } from "@wellapi/scopes";
import { credentialInvalid } from "../errors.ts";
import { patientIdOf } from "../patients/patient.ts";
import type { AccessToken } from "./access-token.ts";
import type { TokenGrant } from "./standing.ts";

/** Whose data the scopes of a token may be about, by what the token came from. */
const contexts: Readonly<Record<TokenGrant["kind"], SmartContext>> = {
  connect: "patient",
  patient_app: "patient",
  user: "user",
};

/** Whom the token makes its bearer. `grant`: the token's, if it has one. `organization`: the client's. */
export function principalOfToken(
  { client, scopes, assurance, grant: grantId }: AccessToken,
  organization: string,
  grant: TokenGrant | undefined,
): Principal {
  // Budgets count by it: tokens of one grant follow each other every few minutes.
  const credential = grantId ?? client;
  const application = { kind: "application", id: client, organization, credential } as const;
  if (grant === undefined) return { ...application, scopes: scopesWithin(scopes, "system") };
  const limited = { scopes: scopesWithin(scopes, contexts[grant.kind]) };
  if (grant.kind === "user") {
    const actor = { kind: "clinician", id: grant.account } as const;
    return { ...application, ...limited, actor, assurance: assurance ?? "code" };
  }
  const { partition = "" } = grant;
  const patient = patientIdOf(partition);
  if (patient === undefined) throw credentialInvalid("the grant of the access token names no patient");
  if (grant.kind === "connect") return { ...application, ...limited, onlyPatient: partition };
  return {
    kind: "patient",
    id: patient,
    partition,
    credential,
    ...limited,
    assurance: assurance ?? "code",
    actor: grant.actor ?? { kind: "application", id: client },
  };
}
