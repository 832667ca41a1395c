export { type ClientTls, type GrpcTransportOptions, openGrpcTransport } from "./grpc-transport.ts";
export { createSessions } from "./http2-sessions.ts";
export { errorDomain, type Problem, problemError, problemOf, reasonOf, type Violation } from "./problem.ts";
export { collect, each, hookStream, type StreamHooks } from "./stream.ts";
export { type WireFailure, wireFailure } from "./wire-failure.ts";
