export type RpcErrorCode =
  /** Another process listens on the address. */
  | "address-in-use"
  /** The interceptors differ from `serverInterceptors(...)` in names or order. */
  | "invalid-interceptors"
  /** A route can't be served: without `service_callers`, or twice the same service. */
  | "invalid-route";

/** A mistake of composition or environment, thrown while a server opens; never sent to a caller. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: RpcErrorCode;

  constructor(code: RpcErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
