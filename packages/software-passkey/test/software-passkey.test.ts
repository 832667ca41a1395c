import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type VerifiedRegistrationResponse,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { expect, test } from "vitest";
import { createSoftwarePasskey, type SoftwarePasskey } from "../src/index.ts";

const origin = "http://localhost:8080";
const expected = { expectedOrigin: origin, expectedRPID: "localhost", requireUserVerification: true };

async function registered(passkey: SoftwarePasskey) {
  const options = await generateRegistrationOptions({ rpName: "exchange", rpID: "localhost", userName: "a" });
  const verified: VerifiedRegistrationResponse = await verifyRegistrationResponse({
    ...expected,
    response: passkey.register(options as never) as never,
    expectedChallenge: options.challenge,
  });
  return verified.registrationInfo!.credential;
}

async function signIn(passkey: SoftwarePasskey, credential: Awaited<ReturnType<typeof registered>>) {
  const options = await generateAuthenticationOptions({ rpID: "localhost" });
  return verifyAuthenticationResponse({
    ...expected,
    response: passkey.signIn(options) as never,
    expectedChallenge: options.challenge,
    credential,
  });
}

test("a passkey in software registers and signs in at a server of another author", async () => {
  const passkey = createSoftwarePasskey(origin);
  const credential = await registered(passkey);
  expect(credential.id).toBe(passkey.id);
  const { verified, authenticationInfo } = await signIn(passkey, credential);
  expect(verified).toBe(true);
  expect(authenticationInfo).toMatchObject({ newCounter: 1, userVerified: true });
});

test("its copy is a clone, which the counter tells", async () => {
  const passkey = createSoftwarePasskey(origin);
  const credential = await registered(passkey);
  const copy = passkey.clone();
  const { authenticationInfo } = await signIn(passkey, credential);
  const after = { ...credential, counter: authenticationInfo.newCounter };
  await expect(signIn(copy, after)).rejects.toThrow(/counter/i);
});

test("one that was made for another origin is refused", async () => {
  const credential = createSoftwarePasskey("https://exchange.example");
  await expect(registered(credential)).rejects.toThrow(/origin/i);
});
