/** `data_in_use`: another process has the data. `data_folder`: it cannot be used. `port_in_use`: say another. */
export type StandaloneErrorCode = "data_in_use" | "data_folder" | "port_in_use";

/** Why an exchange could not start; its message is one line that says what to do. */
export class StandaloneError extends Error {
  readonly code: StandaloneErrorCode;
  constructor(code: StandaloneErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StandaloneError";
    this.code = code;
  }
}
