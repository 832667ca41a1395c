import type { Assurance, Principal, Role } from "@wellapi/rpc";
import { type SmartContext, scopesWithin } from "@wellapi/scopes";
import { credentialInvalid } from "../errors.ts";
import { patientIdOf } from "../patients/patient.ts";
import { FRESH_TIME } from "../sessions/session.ts";
import type { AccessToken } from "./access-token.ts";
import type { TokenGrant } from "./standing.ts";

/** Whose data the scopes of a token may be about, by what the token came from. */
const contexts: Readonly<Record<TokenGrant["kind"], SmartContext>> = {
  connect: "patient",
  patient_app: "patient",
  user: "user",
  person: "user",
  account: "user",
  member: "user",
  staff: "user",
};

/** What stands behind a token now. */
export interface Standing {
  /** The client's. */
  readonly organization: string;
  /** Of the client: whose pages may read answers to it. */
  readonly allowedOrigins: readonly string[];
  /** The token's, if it has one. */
  readonly grant: TokenGrant | undefined;
  /** Of a member or of the staff, now. */
  readonly roles?: readonly Role[];
  /** Categories that are not for who acts in the patient's name. */
  readonly hides?: readonly string[];
}

/** Whom the token makes its bearer at `now`, UTC milliseconds. Throws `credential_invalid`. */
export function principalOfToken(
  { client, scopes, assurance: said, grant: grantId }: AccessToken,
  { organization, grant, roles = [], hides }: Omit<Standing, "allowedOrigins">,
  now: number,
): Principal {
  // Budgets count by it: tokens of one grant follow each other every few minutes.
  const credential = grantId ?? client;
  const application = { kind: "application", id: client, organization, credential } as const;
  if (grant === undefined) return { ...application, scopes: scopesWithin(scopes, "system") };
  const limited = { scopes: scopesWithin(scopes, contexts[grant.kind]) };
  const signedIn = signInOf(said, grant, now);
  if (grant.kind === "user") {
    const actor = { kind: "clinician", id: grant.account } as const;
    return { ...application, ...limited, actor, ...signedIn };
  }
  const person = { id: grant.account, credential, ...limited, ...signedIn };
  if (grant.kind === "account") return { kind: "person", ...person };
  if (grant.kind === "staff") return { kind: "operator", ...person, roles };
  if (grant.kind === "member")
    return { kind: "member", ...person, organization: grant.memberOf ?? "", roles };
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
    ...signedIn,
    ...(hides && { hides }),
    actor: grant.actor ?? { kind: "application", id: client },
  };
}

/** How the person had signed in when they granted it; what was fresh then is so for as long as there, however often the token is renewed. */
function signInOf(
  said: Assurance = "code",
  { createTime, freshUntil = createTime + FRESH_TIME }: TokenGrant,
  now: number,
): Pick<Principal, "assurance" | "freshUntil"> {
  if (said !== "fresh") return { assurance: said };
  return now < freshUntil ? { assurance: said, freshUntil } : { assurance: "passkey" };
}
