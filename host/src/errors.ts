/**
 * `data_in_use`: another process has the data. `data_folder`: it cannot be used. `port_in_use`: say another.
 * `child_ended`: a process of the mesh did not start; what it wrote before says why. `keys_missing`: there is data, but
 * the keys that open it are not there. `backup_folder`: a backup cannot be written there. `backup_unusable`: it is
 * incomplete or damaged. `target_in_use`: a restore would write over something.
 */
export type HostErrorCode =
  | "data_in_use"
  | "data_folder"
  | "port_in_use"
  | "child_ended"
  | "keys_missing"
  | "backup_folder"
  | "backup_unusable"
  | "target_in_use";

/** Why an exchange could not start; its message is one line that says what to do. */
export class HostError extends Error {
  readonly code: HostErrorCode;
  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HostError";
    this.code = code;
  }
}
