/**
 * `data_in_use`: another process has the data. `data_folder`: the folder cannot be used. `port_in_use`: choose
 * another port. `http_certificate`: the gateway's certificate and key cannot be used. `child_ended`: a process of the mesh did not start; its earlier output says why. `keys_missing`:
 * there is data, but the keys that open it are missing. `master_key`: the master key cannot be opened, made or moved. `backup_folder`: a backup cannot be written there.
 * `backup_unusable`: the backup is incomplete or damaged. `target_in_use`: a restore would overwrite something.
 */
export type HostErrorCode =
  | "data_in_use"
  | "data_folder"
  | "port_in_use"
  | "http_certificate"
  | "child_ended"
  | "keys_missing"
  | "master_key"
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
