import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { describe, expect, test } from "vitest";
import { anonymous, type Caller, createOnwardTokens } from "../src/index.ts";

const minute = 60_000;

describe("an internal token of five minutes", () => {
  test.each([-2, 0, 2])(
    "is used while who judges it may be two minutes off, by a clock %d minutes off",
    async (off) => {
      const begin = Date.parse("2026-01-01T00:00:00Z");
      let elapsed = 0;
      let exchanges = 0;
      const identity = createRouterTransport(({ service }) =>
        service(TokenExchangeService, {
          exchangeCredential() {
            exchanges += 1;
            const expires = begin + elapsed + 5 * minute;
            return { token: String(expires), expireTime: timestampFromMs(expires) };
          },
        }),
      );
      const exchange = createClient(TokenExchangeService, identity);
      const clock = { now: () => begin + elapsed + off * minute, monotonic: () => elapsed };
      const tokens = createOnwardTokens({ exchange, clock });
      for (elapsed = 0; elapsed < 30 * minute; elapsed += 5_000) {
        const left = Number(await tokens.forService()) - (begin + elapsed);
        expect(left).toBeGreaterThan(2 * minute);
      }
      expect(exchanges).toBeLessThan(70); // kept for half a minute at least
    },
  );
});

test("a caller whose stream got a newer token is exchanged by that one", async () => {
  const shown: string[] = [];
  const identity = createRouterTransport(({ service }) =>
    service(TokenExchangeService, {
      exchangeCredential({ credential }) {
        shown.push(credential.case === "internalToken" ? credential.value : "");
        return { token: `onward ${shown.length}`, expireTime: timestampFromMs(5 * minute) };
      },
    }),
  );
  const clock = { now: () => 0, monotonic: () => 0 };
  const tokens = createOnwardTokens({ exchange: createClient(TokenExchangeService, identity), clock });
  let token = "first";
  const caller: Caller = {
    ...anonymous,
    get token() {
      return token;
    },
  };
  expect(await tokens.forCaller(caller)).toBe("onward 1");
  expect(await tokens.forCaller(caller)).toBe("onward 1");
  token = "second";
  expect(await tokens.forCaller(caller)).toBe("onward 2");
  expect(shown).toEqual(["first", "second"]);
});
