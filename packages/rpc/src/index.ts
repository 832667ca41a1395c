export type { Authenticated, Authentication } from "./authentication.ts";
export { type AuthenticationOptions, createAuthentication } from "./authentication.ts";
export { anonymous, type Caller, callerKey, type Principal, partyOf } from "./caller.ts";
export { assertRoutes, callersOf, isPublic, permits } from "./callers.ts";
export {
  peerCertificateKey,
  peerWorkloadKey,
  requestGivenAwayKey,
  requestIdHeader,
  requestIdKey,
} from "./context.ts";
export { apiKeyPrefix } from "./credential.ts";
export { RpcError, type RpcErrorCode } from "./errors.ts";
export { type ClientTls, type GrpcTransportOptions, openGrpcTransport } from "./grpc-client.ts";
export { type GrpcServer, type GrpcServerOptions, openGrpcServer, type ServerTls } from "./grpc-server.ts";
export {
  type AnswerGuard,
  type GuardedAnswer,
  guardedAnswerKey,
  type Objection,
  objectionTo,
  patientHeader,
} from "./guarded-answer.ts";
export { createSessions } from "./http2-sessions.ts";
export { type ServerInterceptorOptions, serverInterceptors } from "./interceptors/list.ts";
export type { ReleaseOptions } from "./interceptors/release.ts";
export {
  assertInterceptors,
  interceptorOrder,
  type Step,
  type StepInterceptor,
} from "./interceptors/step.ts";
export { createMemoryTransport, type MemoryTransportOptions } from "./memory-transport.ts";
export {
  createPageTokens,
  type PageQuery,
  PageTokenError,
  type PageTokens,
  queryDigest,
} from "./page-tokens.ts";
export { openPeerTransport, type PeerTransportOptions } from "./peer-transport.ts";
export { isProblemCarrier, type Problem, type ProblemCarrier, type Violation } from "./problem.ts";
export { type RetryOptions, withRetries } from "./retries.ts";
export { type Route, route } from "./route.ts";
export {
  describeError,
  errorDomain,
  problemError,
  problemFor,
  problemOf,
  toConnectError,
  toFailure,
} from "./status.ts";
export { abortable, hookStream, mapStream, raceAbort, type StreamHooks } from "./stream.ts";
export { createStreamLimit, type StreamLimit } from "./stream-limit.ts";
export {
  createTokenVerifier,
  principalOf,
  type TokenClaims,
  type TokenVerifier,
  type TokenVerifierOptions,
  tokenAudience,
} from "./token-verifier.ts";
export { asCaller, asService, createTokens, type Tokens } from "./tokens.ts";
export { invalidFields, validateMessage, warmValidation } from "./validation.ts";
export {
  openWorkloadCertificates,
  type WorkloadCertificate,
  type WorkloadCertificates,
  type WorkloadFiles,
} from "./workload-certificates.ts";
export {
  certificateIdentity,
  forwardedCertificateHeader,
  type MeshNames,
  type PeerIdentity,
  sidecarIdentity,
  spiffeIdOf,
  workloadOf,
} from "./workload-identity.ts";
