export type HttpErrorCode =
  /** Another process listens on the address. */
  | "address-in-use"
  /** At start: two surfaces of one path or name, or a route outside its surface's paths and methods. */
  | "invalid-surface"
  /** A surface that writes its answers itself asked for a transport. */
  | "no-door";

export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
