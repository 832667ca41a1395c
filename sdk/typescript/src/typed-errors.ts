import type { Transport } from "@connectrpc/connect";
import { hookStream } from "@wellapi/grpc-client";
import { WellApiError } from "./errors.ts";

/** The transport, throwing WellApiError: from calls, and from the streams of answers. */
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
