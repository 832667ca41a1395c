/**
 * `not_declared`: a service uses what its descriptor does not name. `not_served`: a service does not serve exactly the
 * contracts that its descriptor names. `invalid_registry`: the descriptors do not fit together.
 */
export type ServiceErrorCode = "not_declared" | "not_served" | "invalid_registry";

/** A descriptor that does not match its service: a mistake of the service's author, reported at the start. */
export class ServiceError extends Error {
  readonly code: ServiceErrorCode;
  constructor(code: ServiceErrorCode, message: string) {
    super(message);
    this.name = "ServiceError";
    this.code = code;
  }
}
