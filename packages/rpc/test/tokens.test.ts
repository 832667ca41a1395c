import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { describe, expect, test } from "vitest";
import { createOnwardTokens } from "../src/index.ts";

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
