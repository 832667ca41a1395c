/** Access tokens of the OAuth server at the exchange: which are tokens, whom they make their bearer, and when they end. */
import { randomUUID } from "node:crypto";
import { Code, type ConnectError } from "@connectrpc/connect";
import { problemOf, type Role } from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";
import { decodeJwt, exportSPKI, generateKeyPair, importJWK } from "jose";
import { describe, expect, test } from "vitest";
import { openAccessTokens } from "../src/access-tokens/open-access-tokens.ts";
import type { TokenGrant } from "../src/access-tokens/standing.ts";
import { createCredentialRepository } from "../src/credentials/credential-repository.ts";
import { createInstallationKeyRepository } from "../src/installation-key-repository.ts";
import { createOrganizationRepository } from "../src/organizations/organization-repository.ts";
import { call, createHolder, issuer, signerOf, thumbprintOf } from "./access-tokens.ts";
import { createRequest, createSelfSigned, derOf } from "./certificates.ts";
import { createApplication, createInstallation, createPatient, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const second = 1_000;
const refused = problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "");
const disproved = (words: string) => problem(Code.Unauthenticated, "PROOF_INVALID", words);

/** A client of the OAuth server, its signer, and what its tokens give at the door `workload`. */
async function scene() {
  const installation = await createInstallation({ WELLAPI_ORIGIN: issuer });
  const { organization, application } = await createApplication(installation);
  const signer = await signerOf(installation);
  const claims = { client_id: application.id, sub: application.id, scope: "system/Observation.rs" };
  const show = (value: string, presented?: object, workload = "gateway") =>
    installation.exchange(workload)({
      credential: { case: "bearerToken", value },
      ...(presented && { presented }),
    });
  return { installation, organization, application, signer, claims, show };
}

const principalIn = (token: string) => decodeJwt(token);

describe("the token of a backend", () => {
  test("makes it the application, within the scopes that a backend may have", async () => {
    const { organization, application, signer, claims, show } = await scene();
    const scope = "system/Observation.rs patient/Observation.c user/*.cruds openid";
    const { token } = await show(await signer.sign({ ...claims, scope }));
    expect(principalIn(token)).toMatchObject({
      kind: "application",
      sub: application.id,
      org: organization.id,
      scopes: ["system/Observation.rs"],
      wl: "gateway",
    });
  });

  test("is good a minute longer than it says, for clocks differ, and not a second more", async () => {
    const { installation, signer, claims, show } = await scene();
    const token = await signer.sign(claims);
    installation.clock.time += 359 * second;
    const { expireTime } = await show(token);
    expect(Number(expireTime!.seconds) * second).toBe(installation.clock.time + second);
    installation.clock.time += second;
    await expect(show(token)).rejects.toSatisfy(
      problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "expired"),
    );
  });

  test("that is over, or is shown without its proof, tells a door that asks whose it is, and no caller", async () => {
    const { installation, organization, application, signer, claims } = await scene();
    const facts = {
      holder_organization: organization.id,
      holder_application: application.id,
      holder_credential: application.id,
    };
    const told = (value: string, tellHolder = true) =>
      installation
        .exchange("gateway")({ credential: { case: "bearerToken", value }, tellHolder })
        .then(String, (error) => problemOf(error).metadata);
    const { privateKey } = await generateKeyPair("ES256");
    const value = await signer.sign(claims);
    const forged = await signer.sign(claims, {}, privateKey);
    const elsewhere = await signer.sign({ ...claims, aud: `${issuer}/fhir` });
    const bound = await signer.sign({ ...claims, cnf: { jkt: (await createHolder()).jkt } });
    expect(await told(bound)).toMatchObject(facts);
    installation.clock.time += 400 * second;
    expect(await told(value)).toEqual(facts);
    expect(await told(value, false)).toBeUndefined();
    expect([await told(forged), await told(elsewhere), await told("no.token.")]).toEqual(
      Array(3).fill(undefined),
    );
  });

  test("ends with its application, also what was made from it", async () => {
    const { installation, application, signer, claims, show } = await scene();
    const made = await show(await signer.sign(claims));
    const again = () =>
      installation.exchange("records")({ credential: { case: "internalToken", value: made.token } });
    const { kind, scopes, oat } = principalIn((await again()).token);
    expect({ kind, scopes, oat }).toMatchObject({
      kind: "application",
      scopes: ["system/Observation.rs"],
      oat: { client: application.id },
    });
    await installation.as(operator).organizations.disableApplication({ application: application.id });
    await expect(show(await signer.sign(claims))).rejects.toSatisfy(refused);
    await expect(again()).rejects.toSatisfy(refused);
  });

  test("what was made from it does not outlive it", async () => {
    const { installation, signer, claims, show } = await scene();
    let { token } = await show(await signer.sign(claims));
    for (let i = 0; i < 4; i++) {
      installation.clock.time += 80 * second;
      ({ token } = await installation.exchange("gateway")({
        credential: { case: "internalToken", value: token },
      }));
    }
    installation.clock.time += 41 * second;
    await expect(
      installation.exchange("gateway")({ credential: { case: "internalToken", value: token } }),
    ).rejects.toSatisfy(refused);
  });
});

describe("what is no access token for these doors", () => {
  type Scene = Awaited<ReturnType<typeof scene>>;
  const now = ({ installation }: Scene) => Math.floor(installation.clock.time / second);
  const forgeries: Record<string, (one: Scene) => Promise<string>> = {
    "another audience": ({ signer, claims }) => signer.sign({ ...claims, aud: `${issuer}/other` }),
    "the FHIR surface's audience": ({ signer, claims }) => signer.sign({ ...claims, aud: `${issuer}/fhir` }),
    "two audiences": ({ signer, claims }) => signer.sign({ ...claims, aud: [`${issuer}/api`, issuer] }),
    "another issuer": ({ signer, claims }) => signer.sign({ ...claims, iss: "https://other.example" }),
    "an ID token": ({ signer, claims }) => signer.sign({ ...claims, aud: claims.client_id }, { typ: "JWT" }),
    "an ID token that says it is for the doors": ({ signer, claims }) => signer.sign(claims, { typ: "JWT" }),
    "no typ": ({ signer, claims }) => signer.sign(claims, { typ: undefined }),
    "alg none": async ({ signer, claims }) => {
      const [, payload] = (await signer.sign(claims)).split(".");
      return `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${payload}.`;
    },
    "HS256 with the public key as its secret": async ({ signer, claims }) => {
      const { d: _, ...publicJwk } = signer.privateJwk;
      const secret = await exportSPKI((await importJWK(publicJwk, "ES256", { extractable: true })) as never);
      return signer.sign(claims, { alg: "HS256" }, Buffer.from(secret));
    },
    "a kid of nobody": ({ signer, claims }) => signer.sign(claims, { kid: "none" }),
    "no kid": ({ signer, claims }) => signer.sign(claims, { kid: undefined }),
    "another key under our kid": async ({ signer, claims }) =>
      signer.sign(claims, {}, (await generateKeyPair("ES256")).privateKey),
    "a jku": ({ signer, claims }) => signer.sign(claims, { jku: "https://evil.example/jwks" }),
    "a key of its own": async ({ signer, claims }) => {
      const { d: _, ...jwk } = signer.privateJwk;
      return signer.sign(claims, { jwk });
    },
    "a client that there is not": ({ signer, claims }) => signer.sign({ ...claims, client_id: "app_none" }),
    "no client": ({ signer, claims }) => signer.sign({ ...claims, client_id: undefined }),
    "no scope": ({ signer, claims }) => signer.sign({ ...claims, scope: undefined }),
    "no jti": ({ signer, claims }) => signer.sign({ ...claims, jti: undefined }),
    "a grant that there is not": ({ signer, claims }) => signer.sign({ ...claims, grant: "grn_none" }),
    "a binding of another kind": ({ signer, claims }) => signer.sign({ ...claims, cnf: { kid: "x" } }),
    "an hour of life": (one) => one.signer.sign({ ...one.claims, exp: now(one) + 3_600 }),
    "from two minutes ahead": (one) =>
      one.signer.sign({ ...one.claims, iat: now(one) + 120, exp: now(one) + 420 }),
    "a changed scope": async ({ signer, claims }) => {
      const [head, , signature] = (await signer.sign(claims)).split(".");
      const payload = Buffer.from(JSON.stringify({ ...claims, scope: "system/*.cruds" })).toString(
        "base64url",
      );
      return `${head}.${payload}.${signature}`;
    },
  };

  test("none of them passes, and the same token without the mistake does", async () => {
    const one = await scene();
    const passed: string[] = [];
    for (const [name, forge] of Object.entries(forgeries)) {
      const answer = await one.show(await forge(one)).then(
        () => "passed",
        (error: ConnectError) => problemOf(error).reason,
      );
      if (answer !== "CREDENTIAL_INVALID") passed.push(`${name}: ${answer}`);
    }
    expect(passed).toEqual([]);
    await one.show(await one.signer.sign(one.claims));
  });

  test("an access token is no internal token", async () => {
    const { installation, signer, claims } = await scene();
    const value = await signer.sign({ ...claims, kind: "operator", wl: "records", cexp: 9e9 });
    const internal = installation.exchange("records")({ credential: { case: "internalToken", value } });
    await expect(internal).rejects.toSatisfy(refused);
  });
});

describe("a token that is bound to a key", () => {
  async function bound() {
    const one = await scene();
    const holder = await createHolder();
    const token = await one.signer.sign({ ...one.claims, cnf: { jkt: holder.jkt } });
    const attempt = randomUUID();
    const present = (dpopProof: string, at: object = {}) =>
      one.show(token, { ...call, attempt, dpopProof, ...at });
    const nonce = await present(await holder.prove(token)).then(
      () => expect.unreachable("the proof had no nonce"),
      (error: ConnectError) => problemOf(error).metadata?.dpop_nonce ?? "",
    );
    return { ...one, holder, token, present, nonce };
  }

  test("is taken with a proof of this call, that names this server's nonce", async () => {
    const { holder, token, present, nonce, application } = await bound();
    const answer = await present(await holder.prove(token, { nonce }));
    expect(principalIn(answer.token)).toMatchObject({ kind: "application", sub: application.id });
    expect(answer.dpopNonce).toBe("");
    const query = await holder.prove(token, {
      nonce,
      htu: `HTTPS://API.wellapi.local:443${call.path}?a=b#c`,
    });
    await present(query, { attempt: randomUUID() });
  });

  test("is refused without a proof, and a proof is for one token, key, method and URL", async () => {
    const { holder, token, present, nonce, show, signer, claims } = await bound();
    await expect(show(token)).rejects.toSatisfy(disproved("bound to a key"));
    const other = await createHolder();
    const wrong: Record<string, Promise<string>> = {
      "another key": other.prove(token, { nonce }),
      "another method": holder.prove(token, { nonce, htm: "GET" }),
      "another path": holder.prove(token, { nonce, htu: `https://${call.authority}/other` }),
      "another host": holder.prove(token, { nonce, htu: `https://evil.example${call.path}` }),
      "another token": holder.prove(`${token}x`, { nonce }),
      "no ath": holder.prove(token, { nonce, ath: undefined }),
      "no jti": holder.prove(token, { nonce, jti: undefined }),
      "another typ": holder.prove(token, { nonce }, { typ: "JWT" }),
      "a key that did not sign": holder.prove(
        token,
        { nonce },
        { jwk: { kty: "EC", crv: "P-256", x: "AA", y: "AA" } },
      ),
    };
    for (const [name, proof] of Object.entries(wrong)) {
      await expect(present(await proof, { attempt: randomUUID() }), name).rejects.toSatisfy(disproved(""));
    }
    // Who calls by another name than ours may have the proof of a client that was sent astray.
    const astray = await holder.prove(token, { nonce, htu: `https://evil.example${call.path}` });
    await expect(present(astray, { authority: "evil.example" })).rejects.toSatisfy(disproved("another URL"));
    const unbound = await signer.sign(claims);
    const proof = { ...call, attempt: "a", dpopProof: await holder.prove(unbound, { nonce }) };
    await expect(show(unbound, proof)).rejects.toSatisfy(disproved("not bound to a key"));
    await present(await holder.prove(token, { nonce }), { attempt: randomUUID() });
  });

  test("takes a proof once, over replicas and starts, but the door may send it twice", async () => {
    const { installation, holder, token, present, nonce } = await bound();
    const proof = await holder.prove(token, { nonce });
    const attempt = randomUUID();
    await present(proof, { attempt });
    await present(proof, { attempt });
    const replayed = disproved("used before");
    await expect(present(proof, { attempt: randomUUID() })).rejects.toSatisfy(replayed);
    await expect(present(proof, { attempt: "" })).rejects.toSatisfy(replayed);
    const nameless = await holder.prove(token, { nonce });
    await present(nameless, { attempt: "" });
    await expect(present(nameless, { attempt: "" })).rejects.toSatisfy(replayed);
    await installation.reopen();
    await expect(present(proof, { attempt: randomUUID() })).rejects.toSatisfy(replayed);
  });

  test("of many uses of one proof at once, one is taken", async () => {
    const { holder, token, present, nonce } = await bound();
    const proof = await holder.prove(token, { nonce });
    const uses = Array.from({ length: 20 }, () => present(proof, { attempt: randomUUID() }));
    const settled = await Promise.allSettled(uses);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("wants another nonce after some minutes, and says so while the old one is still good", async () => {
    const { installation, holder, token, present, nonce, show, signer, claims } = await bound();
    installation.clock.time += 150 * second;
    const later = await present(await holder.prove(token, { nonce }));
    expect(later.dpopNonce).not.toBe("");
    expect(later.dpopNonce).not.toBe(nonce);
    installation.clock.time += 300 * second;
    const newer = await signer.sign({ ...claims, cnf: { jkt: holder.jkt } });
    const dpopProof = await holder.prove(newer, { nonce });
    await expect(show(newer, { ...call, attempt: randomUUID(), dpopProof })).rejects.toSatisfy(
      problem(Code.Unauthenticated, "DPOP_NONCE_REQUIRED", "dpop-nonce"),
    );
    const made = await holder.prove(newer, { nonce: "A".repeat(32) });
    await expect(show(newer, { ...call, attempt: randomUUID(), dpopProof: made })).rejects.toSatisfy(
      problem(Code.Unauthenticated, "DPOP_NONCE_REQUIRED", ""),
    );
  });
});

describe("a client certificate beside a token", () => {
  async function certified() {
    const one = await scene();
    const { credentials } = one.installation.as(operator);
    const issue = async (application: string) => {
      const { certificate, credential } = await credentials.issueCertificate({
        requestId: randomUUID(),
        application,
        certificateRequest: await createRequest(),
      });
      return { clientCertificate: derOf(certificate), id: credential!.id };
    };
    return { ...one, credentials, issue, own: await issue(one.application.id) };
  }

  test("is the one that the token is bound to", async () => {
    const { signer, claims, show, own, issue, application, credentials } = await certified();
    const token = await signer.sign({ ...claims, cnf: { "x5t#S256": thumbprintOf(own.clientCertificate) } });
    await show(token, own, "door");
    await expect(show(token)).rejects.toSatisfy(disproved("gRPC door"));
    await expect(show(token, await issue(application.id), "door")).rejects.toSatisfy(
      disproved("another client certificate"),
    );
    // The owner of a surface passes on what the gateway has told it.
    await show(token, own, "consent");
    await credentials.revokeCredential({ credential: own.id });
    await expect(show(token, own, "door")).rejects.toSatisfy(refused);
  });

  test("is the token's client's own, where the token is not bound", async () => {
    const { installation, organization, signer, claims, show, own, issue } = await certified();
    const token = await signer.sign(claims);
    await show(token, own, "door");
    const { application: other } = await installation.as(operator).organizations.createApplication({
      application: { organization: organization.id, displayName: "Other" },
      requestId: "other",
    });
    const theirs = await issue(other!.id);
    await expect(show(token, theirs, "door")).rejects.toSatisfy(disproved("not one of the token's client"));
    const foreign = { clientCertificate: await createSelfSigned() };
    await expect(show(token, foreign, "door")).rejects.toSatisfy(disproved("not one of the token's client"));
  });
});

describe("what a person granted", () => {
  async function granted(kind: TokenGrant["kind"]) {
    const { installation, organization, application, signer, claims } = await scene();
    const { id, partition } = await createPatient(installation);
    const { store, kms, clock } = installation;
    const state: {
      grant: TokenGrant | undefined;
      revoked: Set<string>;
      clinicians: string[];
      carers: string[];
      roles: Role[];
    } = {
      grant: {
        application: application.id,
        organization: organization.id,
        kind,
        account: "usr_1",
        partition,
        createTime: clock.now(),
      },
      revoked: new Set(),
      clinicians: ["usr_1"],
      carers: [],
      roles: ["developer"],
    };
    const [key] = await createInstallationKeyRepository(store, kms).keys("tokens");
    const { d: _, ...publicJwk } = key!.privateJwk;
    const verificationKey = async () => (await importJWK(publicJwk, "ES256")) as never;
    const opened = await openAccessTokens(
      { origin: () => issuer, profile: "production" },
      {
        store,
        kms,
        clock,
        log: silentLogger,
        keys: { verificationKey },
        organizations: createOrganizationRepository(store),
        credentials: createCredentialRepository(store),
        standings: {
          isRevoked: async (jti) => state.revoked.has(jti),
          findGrant: async (grant) => (grant === "grn_1" ? state.grant : undefined),
        },
        acting: {
          findDelegation: async (account, of) =>
            state.carers.includes(account) && of === partition ? { kind: "carer" } : undefined,
        },
        directory: {
          findMembership: async (account) =>
            state.clinicians.includes(account) ? { roles: ["clinician"] } : { roles: state.roles },
          staffRoles: async () => state.roles,
        },
      },
    );
    const scope = "patient/Observation.rs user/Observation.s system/*.cruds";
    const token = await signer.sign({ ...claims, scope, grant: "grn_1", acr: "passkey" });
    const { again, close } = opened;
    const exchange = () => opened.exchange(token, {}, "gateway");
    const own = "openid wellapi:account wellapi:staff";
    const ownToken = await signer.sign({ ...claims, scope: own, grant: "grn_1", acr: "fresh" });
    /** By the command line, right after a step-up. */
    const signedIn = () => opened.exchange(ownToken, {}, "gateway");
    return { state, id, partition, application, exchange, signedIn, again, clock, close };
  }

  test("to a provider's application makes it the application, for that patient alone", async () => {
    const { exchange, application, partition, close } = await granted("connect");
    const { principal } = await exchange();
    expect(principal).toEqual({
      kind: "application",
      id: application.id,
      organization: expect.any(String),
      credential: "grn_1",
      scopes: ["patient/Observation.rs"],
      onlyPatient: partition,
    });
    await close();
  });

  test("to an application of the patient's own makes it the patient, by the application", async () => {
    const { exchange, application, id, partition, state, close } = await granted("patient_app");
    const { principal } = await exchange();
    expect(principal).toEqual({
      kind: "patient",
      id,
      partition,
      credential: "grn_1",
      scopes: ["patient/Observation.rs"],
      assurance: "passkey",
      actor: { kind: "application", id: application.id },
    });
    state.grant = { ...state.grant!, partition: "local/nobody" };
    await expect(exchange()).rejects.toMatchObject({ code: "credential_invalid" });
    await close();
  });

  test("that is over is the application's where it was a provider's, and nobody's where it was the patient's own", async () => {
    const { exchange, application, clock, state, close } = await granted("connect");
    const told = () => exchange().then(String, (error) => error.problem.metadata ?? "nothing");
    clock.time += 400 * second;
    expect(await told()).toMatchObject({ holder_application: application.id, holder_credential: "grn_1" });
    state.grant = { ...state.grant!, kind: "patient_app" };
    expect(await told()).toBe("nothing");
    state.grant = undefined;
    expect(await told()).toBe("nothing");
    await close();
  });

  test("to such an application by a carer ends when the patient takes the carer back", async () => {
    const { exchange, again, id, state, close } = await granted("patient_app");
    const actor = { kind: "carer", id: "usr_2" } as const;
    state.grant = { ...state.grant!, account: "usr_2", actor };
    state.carers = ["usr_2"];
    const { principal, origin } = await exchange();
    expect(principal).toMatchObject({ kind: "patient", id, actor });
    await again(origin, principal);
    state.carers = [];
    await expect(exchange()).rejects.toMatchObject({ code: "credential_invalid" });
    await expect(again(origin, principal)).rejects.toMatchObject({ code: "credential_invalid" });
    await close();
  });

  test("by a clinician makes it the application, in the clinician's hands while they are one", async () => {
    const { exchange, application, state, again, close } = await granted("user");
    const { principal, origin } = await exchange();
    expect(principal).toMatchObject({
      kind: "application",
      id: application.id,
      scopes: ["user/Observation.s"],
      actor: { kind: "clinician", id: "usr_1" },
      assurance: "passkey",
    });
    expect(principal.onlyPatient).toBeUndefined();
    state.clinicians = [];
    await expect(exchange()).rejects.toMatchObject({ code: "credential_invalid" });
    await expect(again(origin, principal)).rejects.toMatchObject({ code: "credential_invalid" });
    await close();
  });

  test("to the command line as staff has the roles of now, and is fresh for five minutes only", async () => {
    const { signedIn, again, state, clock, close } = await granted("staff");
    state.roles = ["privacy_officer", "support"];
    const { principal, origin } = await signedIn();
    expect(principal).toEqual({
      kind: "operator",
      id: "usr_1",
      credential: "grn_1",
      roles: ["privacy_officer", "support"],
      scopes: ["wellapi:account", "wellapi:staff"],
      assurance: "fresh",
      freshUntil: clock.now() + 300_000,
    });
    state.roles = ["support"];
    expect((await again(origin, principal)).roles).toEqual(["support"]);
    // The person had confirmed a minute before they agreed.
    state.grant = { ...state.grant!, freshUntil: clock.now() + 240_000 };
    expect((await signedIn()).principal.freshUntil).toBe(clock.now() + 240_000);
    state.grant = { ...state.grant!, freshUntil: clock.now() };
    expect((await signedIn()).principal).toMatchObject({ roles: ["support"], assurance: "passkey" });
    const { freshUntil: _, ...older } = state.grant!;
    state.grant = { ...older, createTime: clock.now() - 300_000 };
    expect((await signedIn()).principal).toMatchObject({ roles: ["support"], assurance: "passkey" });
    state.roles = [];
    await expect(signedIn()).rejects.toMatchObject({ code: "credential_invalid" });
    await expect(again(origin, principal)).rejects.toMatchObject({ code: "credential_invalid" });
    await close();
  });

  test("to the command line as a member, or as the account, makes it these", async () => {
    const { signedIn, state, close } = await granted("member");
    state.grant = { ...state.grant!, memberOf: "org_7" };
    const person = { id: "usr_1", credential: "grn_1", assurance: "fresh" };
    expect((await signedIn()).principal).toMatchObject({
      kind: "member",
      organization: "org_7",
      roles: ["clinician"],
      ...person,
    });
    state.grant = { ...state.grant!, kind: "account" };
    const { principal } = await signedIn();
    expect(principal).toMatchObject({ kind: "person", ...person });
    expect(principal.roles).toBeUndefined();
    state.grant = { ...state.grant!, kind: "person", partition: "local/nobody" };
    await expect(signedIn()).rejects.toMatchObject({ code: "credential_invalid" });
    await close();
  });

  test.each(["connect", "patient_app", "user"] as const)(
    "(%s) ends with the grant, with a revoked token, and never serves another application",
    async (kind) => {
      const { exchange, again, state, close } = await granted(kind);
      const { principal, origin } = await exchange();
      await again(origin, principal);
      state.revoked.add(origin.id);
      await expect(exchange()).rejects.toMatchObject({ code: "credential_invalid" });
      await expect(again(origin, principal)).rejects.toMatchObject({ code: "credential_invalid" });
      state.revoked.clear();
      const { grant } = state;
      state.grant = { ...grant!, application: "app_other" };
      await expect(exchange()).rejects.toMatchObject({ code: "credential_invalid" });
      state.grant = undefined;
      await expect(exchange()).rejects.toMatchObject({ code: "credential_invalid" });
      await expect(again(origin, principal)).rejects.toMatchObject({ code: "credential_invalid" });
      state.grant = grant;
      await exchange();
      await close();
    },
  );
});
