export { type GatewayConfig, readCorsOrigins } from "./config.ts";
export { gatewayService } from "./descriptor.ts";
export { type ForwardingDoor, forwardingRoute } from "./forward.ts";
export { type Gateway, type GatewayDeps, openGatewayService } from "./service.ts";
