import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { encodeCBOR } from "@levischuck/tiny-cbor";

/** What the answers need of a relying party's options, in their JSON form (WebAuthn Level 3, 5.1.8 and 5.1.9). */
interface Creation {
  readonly challenge: string;
  readonly rp: { readonly id?: string };
  readonly user: { readonly id: string };
}
interface Request {
  readonly challenge: string;
  readonly rpId?: string;
}

/** A passkey of one account at one relying party, which verifies its user without asking anybody. */
export interface SoftwarePasskey {
  /** Base64url. */
  readonly id: string;
  /** Answers options of a registration with a `RegistrationResponseJSON`. */
  register(options: Creation): object;
  /** Answers options of a sign-in with an `AuthenticationResponseJSON`. Its counter grows by one. */
  signIn(options: Request): object;
  /** The same key with the same counter, as somebody has it who copied it. */
  clone(): SoftwarePasskey;
}

const userPresent = 0x01;
const userVerified = 0x04;
const attested = 0x40;

/** `origin`: of the page that would ask, such as `http://localhost:8080`. ES256. */
export function createSoftwarePasskey(origin: string): SoftwarePasskey {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return passkeyOf({ origin, keys, id: randomBytes(16), counter: 0, user: "" });
}

interface State {
  readonly origin: string;
  readonly keys: ReturnType<typeof generateKeyPairSync>;
  readonly id: Buffer;
  counter: number;
  /** The user handle that the relying party gave. */
  user: string;
}

function passkeyOf(state: State): SoftwarePasskey {
  const { origin, keys } = state;
  const id = state.id.toString("base64url");
  const rpIdOf = (given: string | undefined): string => given ?? new URL(origin).hostname;
  const answer = (response: Readonly<Record<string, string>>): object => ({
    id,
    rawId: id,
    type: "public-key",
    authenticatorAttachment: "platform",
    clientExtensionResults: {},
    response,
  });
  return {
    id,
    register({ challenge, rp, user }) {
      state.user = user.id;
      const authData = Buffer.concat([
        authenticatorData(rpIdOf(rp.id), userPresent | userVerified | attested, state.counter),
        Buffer.alloc(16), // no make or model
        uint(state.id.length, 2),
        state.id,
        coseKey(keys.publicKey),
      ]);
      const attestation = encodeCBOR(
        new Map<string, never>([
          ["fmt", "none"],
          ["attStmt", new Map()],
          ["authData", new Uint8Array(authData)],
        ] as never),
      );
      return answer({
        clientDataJSON: clientData("webauthn.create", challenge, origin).toString("base64url"),
        attestationObject: Buffer.from(attestation).toString("base64url"),
      });
    },
    signIn({ challenge, rpId }) {
      state.counter += 1;
      const authData = authenticatorData(rpIdOf(rpId), userPresent | userVerified, state.counter);
      const client = clientData("webauthn.get", challenge, origin);
      const signed = Buffer.concat([authData, createHash("sha256").update(client).digest()]);
      return answer({
        clientDataJSON: client.toString("base64url"),
        authenticatorData: authData.toString("base64url"),
        signature: sign("sha256", signed, keys.privateKey).toString("base64url"),
        userHandle: state.user,
      });
    },
    clone: () => passkeyOf({ ...state }),
  };
}

function clientData(type: string, challenge: string, origin: string): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

/** WebAuthn Level 3, 6.1. */
function authenticatorData(rpId: string, flags: number, counter: number): Buffer {
  return Buffer.concat([createHash("sha256").update(rpId).digest(), uint(flags, 1), uint(counter, 4)]);
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** RFC 9053, 7.1.1: kty EC2, alg ES256, crv P-256. */
function coseKey(key: State["keys"]["publicKey"]): Buffer {
  const { x, y } = key.export({ format: "jwk" });
  const part = (text: string | undefined) => new Uint8Array(Buffer.from(text!, "base64url"));
  return Buffer.from(
    encodeCBOR(
      new Map<number, number | Uint8Array>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, part(x)],
        [-3, part(y)],
      ]),
    ),
  );
}
