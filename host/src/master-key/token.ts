import { createRequire } from "node:module";
import type { ConfigReader } from "@wellapi/runtime";
import { openPkcs11Kms, type Pkcs11Kms, type Pkcs11Library } from "@wellapi/vault";
import { HostError } from "../errors.ts";
import { readSecret } from "./passphrase.ts";

/** A token behind PKCS #11 that holds the master key, instead of a file. */
export interface TokenSettings {
  /** The token's driver: a shared library. */
  readonly module: string;
  /** The token's label. */
  readonly label: string;
  readonly pinFile: string;
}

/** Undefined: the master key is a file. */
export function tokenSettingsOf(reader: ConfigReader): TokenSettings | undefined {
  if (!reader.optional("WELLAPI_PKCS11_MODULE")) return undefined;
  for (const name of ["WELLAPI_MASTER_KEY_FILE", "WELLAPI_MASTER_KEY"]) {
    if (reader.optional(name)) {
      reader.problem(
        `WELLAPI_PKCS11_MODULE and ${name} are both set: the master key is in a token or in a file`,
      );
    }
  }
  return {
    module: reader.path("WELLAPI_PKCS11_MODULE"),
    label: reader.string("WELLAPI_PKCS11_TOKEN", "wellapi"),
    pinFile: reader.path("WELLAPI_PKCS11_PIN_FILE"),
  };
}

/** `create`: at a first start. Throws HostError `master_key`, and VaultError. */
export async function openToken(
  { module, label, pinFile }: TokenSettings,
  create: boolean,
): Promise<Pkcs11Kms> {
  const pin = await readSecret(pinFile, "PIN");
  return openPkcs11Kms({ library: loadLibrary(), module, token: label, pin, create });
}

/** Native code that only users of tokens install: no dependency of ours. */
function loadLibrary(): Pkcs11Library {
  try {
    return createRequire(import.meta.url)("pkcs11js") as Pkcs11Library;
  } catch (cause) {
    throw new HostError(
      "master_key",
      "the package pkcs11js, which reaches a token, is not there: run npm install --no-save pkcs11js@2.1.7",
      { cause },
    );
  }
}
