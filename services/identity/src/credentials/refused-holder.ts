import { IdentityError } from "../errors.ts";

/** The application that holds a credential which is refused. */
export interface RefusedHolder {
  readonly organization: string;
  readonly application: string;
  /** Its id, never the credential itself. */
  readonly credential: string;
  /** Whether it was revoked or has expired, so that nothing puts it in force again: the door need not ask about it anew. */
  readonly isOver?: boolean;
}

/**
 * The refusal with facts about the holder for the door: it tells the organization of the call, and takes them out of what the
 * caller is told (packages/rpc/src/caller/door-exchange.ts).
 */
export function refusedOf(
  error: unknown,
  { organization, application, credential, isOver = false }: RefusedHolder,
): unknown {
  if (!(error instanceof IdentityError)) return error;
  const facts = {
    holder_organization: organization,
    holder_application: application,
    holder_credential: credential,
    ...(isOver && { holder_credential_over: "true" }),
  };
  const metadata = { ...error.problem.metadata, ...facts };
  return new IdentityError(error.code, { ...error.problem, metadata }, { cause: error });
}

/** The refusal without these facts. */
export function withoutHolder(error: unknown): unknown {
  if (!(error instanceof IdentityError) || error.problem.metadata === undefined) return error;
  const metadata = Object.fromEntries(
    Object.entries(error.problem.metadata).filter(([fact]) => !fact.startsWith("holder_")),
  );
  return new IdentityError(error.code, { ...error.problem, metadata }, { cause: error });
}
