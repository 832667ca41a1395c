export { type GatewayConfig, parseGatewayConfig } from "./config.ts";
export { gatewayService } from "./descriptor.ts";
export { GatewayError, type GatewayErrorCode } from "./errors.ts";
export { type ForwardingDoor, forwardingRoute } from "./forward.ts";
export type { Tiles } from "./http-endpoints.ts";
export { isConsented, publicServices } from "./public-services.ts";
export { type Gateway, type GatewayDeps, openGatewayService } from "./service.ts";
