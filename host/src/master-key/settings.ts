import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { ConfigReader } from "@wellapi/runtime";
import { type TokenSettings, tokenSettingsOf } from "./token.ts";

/** Where the master key is, and what opens it. */
export interface MasterKeySettings {
  /** Its file, where the operator names one. */
  readonly file: string | undefined;
  /** The user's configuration folder (XDG Base Directory Specification): it holds the file otherwise. */
  readonly configDir: string;
  /** File of the passphrase that seals the key's file. */
  readonly passphraseFile: string | undefined;
  /** The token that holds the key; undefined: a file does. */
  readonly token: TokenSettings | undefined;
}

export function masterKeySettingsOf(reader: ConfigReader): MasterKeySettings {
  const own = reader.optional("XDG_CONFIG_HOME") ?? "";
  return {
    file: pathOf(reader, "WELLAPI_MASTER_KEY_FILE"),
    // A relative path is to be ignored, says the specification.
    configDir: isAbsolute(own) ? own : join(reader.optional("HOME") ?? homedir(), ".config"),
    passphraseFile: passphraseFileOf(reader),
    token: tokenSettingsOf(reader),
  };
}

export function passphraseFileOf(reader: ConfigReader): string | undefined {
  return pathOf(reader, "WELLAPI_MASTER_PASSPHRASE_FILE");
}

function pathOf(reader: ConfigReader, name: string): string | undefined {
  return reader.optional(name) && reader.path(name);
}
