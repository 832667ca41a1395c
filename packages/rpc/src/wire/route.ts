import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";

/** A service with its implementation, served the same way in memory, over gRPC and over HTTP. */
export interface Route {
  readonly service: DescService;
  readonly implementation: object;
}

export function route<S extends DescService>(service: S, implementation: ServiceImpl<S>): Route {
  return { service, implementation };
}
