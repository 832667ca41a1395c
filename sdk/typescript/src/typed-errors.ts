import type { Transport } from "@connectrpc/connect";
import { hookStream } from "@wellapi/grpc-client";
import { WellApiError } from "./errors.ts";

/** The same transport, but calls and streams of answers throw WellApiError. */
export function withTypedErrors(transport: Transport): Transport {
  return {
    async unary(...call) {
      try {
        return await transport.unary(...call);
      } catch (error) {
        throw WellApiError.from(error);
      }
    },
    async stream(...call) {
      try {
        const response = await transport.stream(...call);
        return {
          ...response,
          message: hookStream(response.message, { error: (error) => WellApiError.from(error) }),
        };
      } catch (error) {
        throw WellApiError.from(error);
      }
    },
  };
}
