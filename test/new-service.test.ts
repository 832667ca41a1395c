/** docs/adding-a-service.md, tried: a service that is nothing but its folder and its contract. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { issuePatientToken } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Exchange, openExchange, parseExchangeConfig, services } from "@wellapi/host";
import { callersOf } from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";
import { createRegistry, ServiceError } from "@wellapi/service";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { getTally } from "./new-service/contract.ts";
import { tallyService } from "./new-service/descriptor.ts";

const folder = mkdtempSync(join(tmpdir(), "wellapi-new-service-"));
const env = {
  WELLAPI_DATA_DIR: join(folder, "data"),
  WELLAPI_MASTER_KEY_FILE: join(folder, "master.key"),
  WELLAPI_GRPC_PORT: "0",
  WELLAPI_HTTP_PORT: "0",
  WELLAPI_TALLY_STEP: "10",
};

describe("a service that the host has never heard of", () => {
  // What the new service adds to the contract that it calls: its name among the callers of token exchange.
  const exchangers = callersOf(TokenExchangeService.method.exchangeCredential)!.workloads;
  const registry = createRegistry([...services.services, tallyService]);
  let exchange: Exchange;
  let server: Server;
  let maker: Company;
  let person: Person;

  const tallyOf = ({ transport }: Pick<Person, "transport">) => getTally(transport);

  /** At the surface, with this token. */
  async function ask(token?: string): Promise<{ status: number; body: Record<string, unknown> }> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${exchange.httpUrl}/tally`, { headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  const tokenOf = ({ id }: Person) => issuePatientToken(operatorAt(server), id);

  beforeAll(async () => {
    exchangers.push("tally");
    exchange = await openExchange(parseExchangeConfig(env, registry), silentLogger, registry);
    const { grpcUrl: grpc, httpUrl: http, dataDir, authority, operatorKey } = exchange;
    server = { grpc, http, dataDir, authority, operatorKey: operatorKey! } as Server;
    maker = await enrolCompany(server, "Maker");
    person = await enrolPerson(server, "Ada");
  });

  afterAll(async () => {
    await exchange?.close();
    exchangers.pop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("starts after those that it calls, and before the edge that calls it", () => {
    expect(registry.names.at(-1)).toBe("gateway");
    expect(registry.calledBy("gateway")).toContain("tally");
    expect(registry.serving("wellapi.tally.v1.TallyService")?.name).toBe("tally");
  });

  test("consumes events into its collection, and tells of it by RPC and by its surface, to whom its contract says", async () => {
    await grant(person, maker, Direction.CONTRIBUTE);
    const consents = await createClient(ConsentService, maker.transport).listConsents({});
    const { patient } = consents.consents[0]!;
    expect(await tallyOf(person)).toMatchObject({ batches: 0 });
    const parcel = {
      patient,
      code: "8867-4",
      unit: "/min",
      durationMs: 0,
      minutes: 3,
      from: "2026-03-01T00:00:00Z",
    };
    await contribute(maker, undefined, [parcel]);
    // The setting says that a batch counts ten.
    await vi.waitFor(async () => expect(await tallyOf(person)).toMatchObject({ batches: 10 }), 15_000);

    expect(await ask(await tokenOf(person))).toEqual({ status: 200, body: { batches: 10 } });
    expect(await ask(await tokenOf(await enrolPerson(server, "Ben")))).toMatchObject({
      body: { batches: 0 },
    });
    expect(await ask()).toMatchObject({ status: 401 });
    expect(await ask(exchange.operatorKey)).toMatchObject({ status: 403 });
    await expect(tallyOf(maker)).rejects.toMatchObject({ code: 7 });
  }, 60_000);

  test("cannot use what its descriptor does not declare, nor serve what it does not name", async () => {
    const opened = (changed: Partial<typeof tallyService>) => {
      const others = createRegistry([...services.services, { ...tallyService, ...changed }]);
      const config = parseExchangeConfig({ ...env, WELLAPI_DATA_DIR: join(folder, "refused") }, others);
      return openExchange(config, silentLogger, others).catch((error: unknown) => error);
    };
    expect(await opened({ needs: [] })).toMatchObject(
      new ServiceError(
        "not_declared",
        'tally uses what it does not declare: name "events" under needs in its descriptor',
      ),
    );
    expect(await opened({ contracts: [] })).toMatchObject({ code: "not_served" });
  }, 60_000);
});
