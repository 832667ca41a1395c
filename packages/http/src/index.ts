export { type CorsPolicy, localOrigins } from "./cors.ts";
export { HttpError, type HttpErrorCode } from "./errors.ts";
export type { MountedSurface } from "./mount.ts";
export type { PeerTls } from "./peer-agent.ts";
export { fileRefusalOf, type HttpProblem, type Refusal, refusalOf } from "./refusal.ts";
export { createRemoteSurface, type RemoteSurfaceOptions } from "./remote-surface.ts";
export type { SecurityHeaders } from "./security-headers.ts";
export { type HttpServer, type HttpServerOptions, openHttpServer } from "./server.ts";
export type { Bodies, HttpMethod, Surface, SurfaceContext, SurfaceDeclaration } from "./surface.ts";
