import { createHash } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Clock, silentLogger } from "@wellapi/runtime";
import * as jose from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refusedHolderKey } from "../src/caller/ended-requests.ts";
import {
  asCaller,
  asService,
  callerKey,
  createAuthentication,
  createMemoryTransport,
  createOnwardTokens,
  createTokenVerifier,
  peerAddressKey,
  peerCertificateKey,
  peerWorkloadKey,
  problemError,
  problemOf,
  type Route,
  serverInterceptors,
  type TokenVerifier,
} from "../src/index.ts";
import { createTrustingAuthentication, partialRoute } from "../src/testing.ts";
import { openDoor } from "./open-door.ts";

const issuer = "https://wellapi.test";

let now = 0;
let elapsed = 0;
const clock: Clock = { now: () => now, monotonic: () => elapsed };

type Keys = Awaited<ReturnType<typeof jose.generateKeyPair>>;
let keys: Keys;
let otherKeys: Keys;
let published: { kid: string; keys: Keys }[];
let fetches = 0;
let verifier: TokenVerifier;

beforeAll(async () => {
  keys = await jose.generateKeyPair("ES256");
  otherKeys = await jose.generateKeyPair("ES256");
});

beforeEach(() => {
  now = Date.now();
  elapsed = 0;
  fetches = 0;
  published = [{ kid: "one", keys }];
  verifier = createTokenVerifier({
    issuer,
    clock,
    jwks: async () => {
      fetches++;
      const jwks = await Promise.all(
        published.map(async ({ kid, keys }) => ({
          ...(await jose.exportJWK(keys.publicKey)),
          kid,
          alg: "ES256",
        })),
      );
      return JSON.stringify({ keys: jwks });
    },
  });
});

interface TokenOptions {
  claims?: Record<string, unknown>;
  kid?: string;
  keys?: Keys;
}

function mint({ claims = {}, kid = "one", keys: signer = keys }: TokenOptions = {}): Promise<string> {
  const seconds = Math.floor(now / 1_000);
  return new jose.SignJWT({
    iss: issuer,
    aud: "wellapi",
    sub: "app_1",
    iat: seconds,
    exp: seconds + 300,
    jti: "j1",
    kind: "application",
    org: "org_1",
    cred: "crd_1",
    wl: "door",
    ...claims,
  })
    .setProtectedHeader({ alg: "ES256", kid })
    .sign(signer.privateKey);
}

async function refusal(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return problemOf(error as ConnectError);
}

describe("internal tokens", () => {
  test("name the caller", async () => {
    const token = await mint({ claims: { act: { kind: "operator", id: "opr_1" } } });
    expect(await verifier.verify(token, "door")).toEqual({
      principal: {
        kind: "application",
        id: "app_1",
        organization: "org_1",
        credential: "crd_1",
        actor: { kind: "operator", id: "opr_1" },
      },
      workload: "door",
      token,
    });
  });

  const refused: [string, () => Promise<string>][] = [
    ["an end of what is not fresh", () => mint({ claims: { asr: "passkey", fru: 1_800_000_000 } })],
    ["an end that is no time", () => mint({ claims: { asr: "fresh", fru: "soon" } })],
    [
      "alg none",
      async () =>
        new jose.UnsecuredJWT({ sub: "app_1", wl: "door", kind: "operator" })
          .setIssuer(issuer)
          .setAudience("wellapi")
          .setIssuedAt()
          .setExpirationTime("5m")
          .encode(),
    ],
    [
      "a MAC with the public key",
      async () => {
        const jwk = JSON.stringify(await jose.exportJWK(keys.publicKey));
        return new jose.SignJWT({ sub: "app_1" })
          .setProtectedHeader({ alg: "HS256", kid: "one" })
          .sign(createHash("sha256").update(jwk).digest());
      },
    ],
    ["another installation's key", () => mint({ keys: otherKeys })],
    ["another issuer", () => mint({ claims: { iss: "https://elsewhere" } })],
    ["another audience", () => mint({ claims: { aud: "other" } })],
    ["one that expired over 30 s ago", () => mint({ claims: { exp: Math.floor(now / 1_000) - 31 } })],
    ["one without an end", () => mint({ claims: { exp: undefined } })],
    ["another workload's", () => mint({ claims: { wl: "gateway" } })],
    ["an unknown kind", () => mint({ claims: { kind: "root" } })],
    ["anonymous, signed", () => mint({ claims: { kind: "anonymous" } })],
    ["an application without an organization", () => mint({ claims: { org: undefined } })],
    ["a patient without a partition", () => mint({ claims: { kind: "patient" } })],
    ["an actor of an unknown kind", () => mint({ claims: { act: { kind: "x", id: "y" } } })],
    ["garbage", async () => "garbage"],
  ];
  test.each(refused)("%s is refused", async (_name, token) => {
    expect(await refusal(verifier.verify(await token(), "door"))).toMatchObject({
      code: Code.Unauthenticated,
      reason: "CREDENTIAL_INVALID",
    });
  });

  test("a token that was good is refused once it has expired", async () => {
    const token = await mint();
    await verifier.verify(token, "door");
    now += 331_000;
    elapsed += 331_000;
    expect((await refusal(verifier.verify(token, "door"))).message).toContain("expired");
  });

  test("a verified token of one workload stays refused for another", async () => {
    const token = await mint();
    await verifier.verify(token, "door");
    expect((await refusal(verifier.verify(token, "records"))).message).toContain("workload");
  });

  test("a new key is found, and strangers can't make us fetch more than once in 5 s", async () => {
    await verifier.verify(await mint(), "door");
    expect(fetches).toBe(1);
    published.push({ kid: "two", keys: otherKeys });
    const next = await mint({ kid: "two", keys: otherKeys });
    await refusal(verifier.verify(next, "door"));
    expect(fetches).toBe(1);
    elapsed += 5_001;
    await verifier.verify(next, "door");
    expect(fetches).toBe(2);
    await refusal(verifier.verify(await mint({ kid: "three" }), "door"));
    expect(fetches).toBe(2);
  });

  test("a key that was dropped is trusted no longer than half a minute, also where it has verified a token", async () => {
    const token = await mint();
    await verifier.verify(token, "door");
    published = [{ kid: "two", keys: otherKeys }];
    elapsed += 30_001;
    const outcome = () =>
      verifier.verify(token, "door").then(
        () => "taken",
        () => "refused",
      );
    await expect.poll(outcome).toBe("refused");
    expect(fetches).toBe(2);
  });

  test("keys that can't be had are UNAVAILABLE, not a refusal", async () => {
    const unreachable = createTokenVerifier({ issuer, clock, jwks: () => Promise.reject(new Error("down")) });
    expect(await refusal(unreachable.verify(await mint(), "door"))).toMatchObject({ code: Code.Unavailable });
  });
});

describe("the door", () => {
  let exchanges: string[];
  let addresses: string[];
  let answer: () => Promise<string>;
  let exchange: Client<typeof TokenExchangeService>;

  beforeEach(() => {
    exchanges = [];
    addresses = [];
    answer = () => mint();
    exchange = createClient(
      TokenExchangeService,
      createMemoryTransport({
        workload: "door",
        interceptors: serverInterceptors({
          log: silentLogger,
          authentication: createAuthentication({ verifier, clock }),
        }),
        routes: [
          partialRoute(TokenExchangeService, {
            async exchangeCredential({ credential, callerAddress }) {
              exchanges.push(credential.case ?? "");
              addresses.push(callerAddress);
              return { token: await answer(), expireTime: timestampFromMs(now + 300_000) };
            },
          }),
        ],
      }),
    );
  });

  function call(header: Record<string, string>, certificate?: Uint8Array) {
    const contextValues = createContextValues().set(peerCertificateKey, certificate);
    return { header: new Headers(header), contextValues };
  }

  test.each<[string, Record<string, string>, Uint8Array | undefined]>([
    ["clientCertificate", {}, new Uint8Array([1])],
    ["apiKey", { authorization: "Bearer wellapi_sk_abc" }, undefined],
    ["apiKey", { "x-api-key": "wellapi_sk_abc" }, undefined],
    ["bearerToken", { authorization: "bearer abc.def.ghi" }, undefined],
  ])("exchanges a %s", async (kind, header, certificate) => {
    const authentication = createAuthentication({ verifier, clock, door: { workload: "door", exchange } });
    const { caller } = await authentication.authenticate(call(header, certificate));
    expect(caller).toMatchObject({ principal: { id: "app_1" }, workload: "door" });
    expect(exchanges).toEqual([kind]);
  });

  test("asks once for ten seconds, and again afterwards", async () => {
    const authentication = createAuthentication({ verifier, clock, door: { workload: "door", exchange } });
    const one = call({ authorization: "Bearer wellapi_sk_abc" });
    await Promise.all([authentication.authenticate(one), authentication.authenticate(one)]);
    elapsed = 9_999;
    await authentication.authenticate(one);
    expect(exchanges).toHaveLength(1);
    elapsed = 10_000;
    await authentication.authenticate(one);
    expect(exchanges).toHaveLength(2);
  });

  test("takes a sign-in for fresh until it ends, to the second, while it believes the answer and the token holds", async () => {
    const from = Math.floor(now / 1_000);
    answer = () => mint({ claims: { kind: "member", asr: "fresh", fru: from + 5 } });
    const authentication = createAuthentication({ verifier, clock, door: { workload: "door", exchange } });
    const inside = createAuthentication({ verifier, clock });
    const token = await answer();
    const assurances = async () => {
      const outer = await authentication.authenticate(call({ authorization: "Bearer wellapi_sk_abc" }));
      const inner = call({ authorization: `Bearer ${token}` });
      inner.contextValues.set(peerWorkloadKey, "door");
      const { caller } = await inside.authenticate(inner);
      return [outer.caller.principal.assurance, caller.principal.assurance];
    };
    now = from * 1_000;
    expect(await assurances()).toEqual(["fresh", "fresh"]);
    [now, elapsed] = [(from + 5) * 1_000 - 1, 4_999];
    expect(await assurances()).toEqual(["fresh", "fresh"]);
    [now, elapsed] = [(from + 5) * 1_000, 5_000];
    expect(await assurances()).toEqual(["passkey", "passkey"]);
    expect(exchanges).toHaveLength(1);
  });

  test("tells identity where a call comes from, and asks again for a credential from another address", async () => {
    const authentication = createAuthentication({ verifier, clock, door: { workload: "door", exchange } });
    const from = (address: string) => {
      const one = call({ authorization: "Bearer wellapi_sk_abc" });
      one.contextValues.set(peerAddressKey, address);
      return authentication.authenticate(one);
    };
    for (const address of ["192.0.2.1", "192.0.2.1", "198.51.100.1"]) await from(address);
    expect(addresses).toEqual(["192.0.2.1", "198.51.100.1"]);
  });

  test("of a service's surface takes calls by way of the gateway, with tokens of the service's own", async () => {
    const door = { workload: "records", edge: "gateway", exchange } as const;
    const authentication = createAuthentication({ verifier, clock, door });
    const anonymous = await authentication.authenticate(call({}));
    expect(anonymous.caller).toMatchObject({ principal: { kind: "anonymous" }, workload: "gateway" });
    const one = call({ authorization: "Bearer wellapi_sk_abc" });
    answer = () => mint({ claims: { wl: "records" } });
    expect((await authentication.authenticate(one)).caller).toMatchObject({
      principal: { id: "app_1" },
      workload: "gateway",
    });
    // A token for the gateway is not one for this door.
    authentication.forget();
    answer = () => mint({ claims: { wl: "gateway" } });
    expect(await refusal(authentication.authenticate(one))).toMatchObject({ reason: "CREDENTIAL_INVALID" });
  });

  test("without a credential the caller is anonymous", async () => {
    const authentication = createAuthentication({ verifier, clock, door: { workload: "door", exchange } });
    const { caller } = await authentication.authenticate(call({}));
    expect(caller).toEqual({ principal: { kind: "anonymous", id: "" }, workload: "door", token: "" });
  });

  test.each<[string, Record<string, string>, Uint8Array | undefined]>([
    ["two credentials", { authorization: "Bearer wellapi_sk_abc" }, new Uint8Array([1])],
    ["two keys", { authorization: "Bearer wellapi_sk_abc", "x-api-key": "wellapi_sk_abd" }, undefined],
    ["basic authentication", { authorization: "Basic abc" }, undefined],
    ["an empty key", { "x-api-key": "" }, undefined],
    ["a huge token", { authorization: `Bearer ${"a".repeat(9_000)}` }, undefined],
  ])("refuses %s without asking", async (_name, header, certificate) => {
    const authentication = createAuthentication({ verifier, clock, door: { workload: "door", exchange } });
    const problem = await refusal(authentication.authenticate(call(header, certificate)));
    expect(problem).toMatchObject({ code: Code.Unauthenticated, reason: "CREDENTIAL_INVALID" });
    expect(exchanges).toEqual([]);
  });

  test("an exchange that fails is UNAVAILABLE; a refusal passes and is not remembered", async () => {
    const authentication = createAuthentication({ verifier, clock, door: { workload: "door", exchange } });
    const one = call({ authorization: "Bearer wellapi_sk_abc" });
    answer = () => Promise.reject(new Error("down"));
    expect(await refusal(authentication.authenticate(one))).toMatchObject({ code: Code.Unavailable });
    answer = () =>
      Promise.reject(
        problemError({ code: Code.Unauthenticated, reason: "CREDENTIAL_INVALID", message: "revoked" }),
      );
    expect(await refusal(authentication.authenticate(one))).toMatchObject({ code: Code.Unauthenticated });
    answer = () => mint();
    expect((await authentication.authenticate(one)).caller.principal.id).toBe("app_1");
  });

  test("asks no more for a minute about a credential that is over for good, and each try weighs on its address", async () => {
    const weighed: boolean[] = [];
    const budget = {
      beforeExchange: async () => undefined,
      exchanged: (_address: string | undefined, _key: string, isAccepted: boolean) =>
        void weighed.push(isAccepted),
    };
    const door = { workload: "door", exchange, budget };
    const authentication = createAuthentication({ verifier, clock, door });
    const refuse = (facts: Record<string, string>) => () =>
      Promise.reject(
        problemError({
          code: Code.Unauthenticated,
          reason: "CREDENTIAL_INVALID",
          message: "revoked",
          metadata: {
            holder_organization: "org_1",
            holder_application: "app_1",
            holder_credential: "crd_1",
            ...facts,
          },
        }),
      );
    const show = async (certificate: number) => {
      const one = call({}, new Uint8Array([certificate]));
      const { metadata, reason } = await refusal(authentication.authenticate(one));
      expect([reason, metadata]).toEqual(["CREDENTIAL_INVALID", undefined]);
      expect(one.contextValues.get(refusedHolderKey)).toMatchObject({ organization: "org_1" });
    };
    answer = refuse({});
    for (let i = 0; i < 3; i++) await show(1);
    expect(exchanges).toHaveLength(3);

    answer = refuse({ holder_credential_over: "true" });
    for (let i = 0; i < 3; i++) await show(2);
    expect(exchanges).toHaveLength(4);
    await show(3);
    expect(exchanges).toHaveLength(5);
    elapsed += 60_000;
    await show(2);
    expect(exchanges).toHaveLength(6);
    expect(weighed).toEqual(Array(8).fill(false));
  });

  test("a caller from inside can't use a door's credential, nor one from outside an inner server", async () => {
    const authentication = createAuthentication({ verifier, clock });
    expect(
      await refusal(authentication.authenticate(call({ authorization: "Bearer wellapi_sk_abc" }))),
    ).toMatchObject({
      reason: "CREDENTIAL_REQUIRED",
    });
    const inside = call({ authorization: "Bearer wellapi_sk_abc" });
    inside.contextValues.set(peerWorkloadKey, "records");
    expect(await refusal(authentication.authenticate(inside))).toMatchObject({
      reason: "CREDENTIAL_INVALID",
    });
  });

  test("revoking the credential ends an open stream; until then its token is kept fresh", async () => {
    const tokens: string[] = [];
    const endedWith = Promise.withResolvers<unknown>();
    let revoked = false;
    let round = 0;
    answer = async () => {
      if (revoked)
        throw problemError({ code: Code.Unauthenticated, reason: "CREDENTIAL_INVALID", message: "revoked" });
      return mint({ claims: { jti: `j${round++}` } });
    };
    const authentication = createAuthentication({
      verifier,
      // Each look at the clock is eleven seconds later, so that no answer is remembered.
      clock: { now: () => now, monotonic: () => (elapsed += 11_000) },
      door: { workload: "door", exchange },
      recheckMs: 5,
    });
    const door = await openDoor(
      [
        partialRoute(RecordsService, {
          async *watchSeries(_request, context) {
            const caller = context.values.get(callerKey);
            context.signal.addEventListener("abort", () => endedWith.resolve(context.signal.reason));
            for (;;) {
              if (tokens.at(-1) !== caller.token) {
                tokens.push(caller.token);
                // A message that waits for its reader at the revocation would be dropped with the stream, by a reset without a reason.
                if (tokens.length <= 3) yield {};
              }
              await new Promise((resolve) => setImmediate(resolve));
              context.signal.throwIfAborted();
            }
          },
        }),
      ],
      serverInterceptors({ log: silentLogger, authentication }),
    );
    try {
      const client = createClient(RecordsService, door.transport);
      const watch = client.watchSeries(
        { patient: "p", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT },
        { headers: { authorization: "Bearer wellapi_sk_abc" } },
      );
      let messages = 0;
      const end = await refusal(
        (async () => {
          for await (const _message of watch) if (++messages === 3) revoked = true;
        })(),
      );
      expect(end).toMatchObject({
        code: Code.Unauthenticated,
        reason: "CREDENTIAL_INVALID",
        message: "revoked",
      });
      expect(new Set(tokens).size).toBeGreaterThanOrEqual(3);
      expect(await endedWith.promise).toBeInstanceOf(ConnectError);
    } finally {
      await door.close();
    }
  });

  test("the exchange itself is not for callers from outside", async () => {
    const anyone = { principal: { kind: "anonymous" as const, id: "" }, workload: "door", token: "" };
    const door = await openDoor(
      [partialRoute(TokenExchangeService, { exchangeCredential: () => ({ token: "minted" }) })],
      serverInterceptors({ log: silentLogger, authentication: createTrustingAuthentication(anyone) }),
    );
    try {
      const outside = createClient(TokenExchangeService, door.transport);
      const asked = outside.exchangeCredential({ credential: { case: "apiKey", value: "wellapi_sk_abc" } });
      expect(await refusal(asked)).toMatchObject({ reason: "CALLER_NOT_PERMITTED" });
    } finally {
      await door.close();
    }
  });

  test("calling on: for the caller with an exchanged token, for oneself with a workload's", async () => {
    const asked: string[] = [];
    answer = async () => mint({ claims: { wl: "ingestion", jti: String(asked.length) } });
    const routes: Route[] = [
      partialRoute(RecordsWriteService, {
        appendSeries: (_request, context) => {
          const { principal, workload } = context.values.get(callerKey);
          asked.push(`${principal.kind} ${workload}`);
          return {};
        },
      }),
    ];
    const inner = createMemoryTransport({
      routes,
      workload: "ingestion",
      interceptors: serverInterceptors({
        log: silentLogger,
        authentication: createAuthentication({ verifier, clock }),
      }),
    });
    const tokens = createOnwardTokens({ exchange, clock });
    const forCaller = createClient(RecordsWriteService, asCaller(inner, tokens));
    const contextValues = createContextValues().set(callerKey, {
      principal: { kind: "application", id: "app_1", organization: "org_1" },
      workload: "door",
      token: "the-callers",
    });
    const request = { batch: { requestId: "r", patient: "p", series: [{ code: { code: "8867-4" } }] } };
    await forCaller.appendSeries(request, { contextValues }).catch(() => {});
    await forCaller.appendSeries(request, { contextValues }).catch(() => {});
    expect(exchanges).toEqual(["internalToken"]); // the second call used the same token
    expect(await refusal(forCaller.appendSeries(request))).toMatchObject({ code: Code.Internal });

    answer = async () =>
      mint({ claims: { wl: "ingestion", kind: "service", sub: "ingestion", org: undefined } });
    const own = createClient(RecordsWriteService, asService(inner, tokens));
    expect(await refusal(own.appendSeries(request))).toMatchObject({
      reason: "CALLER_NOT_PERMITTED",
    });
    expect(exchanges).toEqual(["internalToken", "workload"]);
    elapsed += 240_000; // four of five minutes: both are asked for anew
    await own.appendSeries(request).catch(() => {});
    expect(exchanges).toEqual(["internalToken", "workload", "workload"]);
  });
});
