import type { DescMethod, MessageShape } from "@bufbuild/protobuf";
import { type Caller, openListPage, type PageTokens, rpcNameOf, textPosition } from "@wellapi/rpc";
import type { Page } from "./consent-repository.ts";

type ListRequest<D extends DescMethod> = MessageShape<D["input"]> & {
  readonly pageSize: number;
  readonly pageToken: string;
};

/** The page that a caller asks for, and `next`, which makes the token of the one after it. Throws PageTokenError. */
export function openPage<D extends DescMethod>(
  tokens: PageTokens,
  caller: Caller,
  rpc: D,
  request: ListRequest<D>,
): Page & { next(cursor: string | undefined): string } {
  const { after, limit, token } = openListPage({
    tokens,
    caller,
    method: rpcNameOf(rpc),
    schema: rpc.input,
    request,
    sizes: { usual: 50, most: 1_000 },
    position: textPosition,
  });
  return { limit, cursor: after, next: token };
}
