export { deprecationHeaders } from "./answers/deprecation-notice.ts";
export {
  type AnswerGuard,
  type GuardedAnswer,
  guardedAnswerKey,
  type Objection,
  objectionTo,
  patientHeader,
} from "./answers/guarded-answer.ts";
export { holdAnswer, onAnswerEnd } from "./answers/hold-answer.ts";
export { versionHeader } from "./answers/serving-version.ts";
export {
  createUnreadAnswers,
  type UnreadAnswers,
  type UnreadAnswersOptions,
  type UnreadBytes,
} from "./answers/unread-answers.ts";
export type { Authenticated, Authentication } from "./caller/authentication.ts";
export { type AuthenticationOptions, createAuthentication } from "./caller/authentication.ts";
export {
  type Admission,
  type Budget,
  type BudgetedCall,
  type BudgetState,
  budgetStateKey,
  peerAddressKey,
  type Spending,
  spendingKey,
} from "./caller/budget.ts";
export {
  type Actor,
  type Assurance,
  agedPrincipal,
  anonymous,
  assurances,
  type Caller,
  type CallerLimits,
  callerKey,
  nameOf,
  type Principal,
  partyOf,
  type Role,
  roles,
} from "./caller/caller.ts";
export {
  assertRoutes,
  callersOf,
  isPublic,
  permits,
  rpcNameOf,
  type Unmet,
  unmetBy,
} from "./caller/callers.ts";
export {
  type CertificateFiles,
  type CertificatePair,
  openCertificateFiles,
} from "./caller/certificate-files.ts";
export {
  type HttpCall,
  httpCallKey,
  peerCertificateKey,
  peerWorkloadKey,
  requestIdFrom,
  requestIdHeader,
  requestIdKey,
  requestTransferredKey,
} from "./caller/context.ts";
export { cookieIn } from "./caller/cookie.ts";
export { apiKeyPrefix, dpopHeader, dpopNonceHeader, showsToken } from "./caller/credential.ts";
export { createDenials, type Denials, type DenialsOptions } from "./caller/denials.ts";
export {
  createEndedRequests,
  type EndedOfOrganization,
  type EndedRequest,
  type EndedRequests,
  type EndedRequestsOptions,
} from "./caller/ended-requests.ts";
export { type CertificateForwarder, forwardedCertificate } from "./caller/forwarded-certificate.ts";
export {
  jsonPosition,
  type ListPage,
  openListPage,
  type PositionCodec,
  textPosition,
} from "./caller/list-page.ts";
export {
  createPageTokens,
  type PageQuery,
  PageTokenError,
  type PageTokens,
  queryDigest,
} from "./caller/page-tokens.ts";
export { actingAsHeader, fetchSiteHeader, sessionCookieName, sessionIn } from "./caller/session-cookie.ts";
export { createStreamLimit, type StreamLimit, type StreamLimits } from "./caller/stream-limit.ts";
export {
  createTokenVerifier,
  principalOf,
  type TokenClaims,
  type TokenVerifier,
  type TokenVerifierOptions,
  tokenAudience,
} from "./caller/token-verifier.ts";
export { asCaller, asService, createOnwardTokens, type OnwardTokens } from "./caller/tokens.ts";
export {
  createUnadmittedRequests,
  type UnadmittedRequest,
  unservedMethod,
} from "./caller/unadmitted-requests.ts";
export {
  openWorkloadCertificates,
  type WorkloadCertificate,
  type WorkloadCertificates,
  type WorkloadFiles,
} from "./caller/workload-certificates.ts";
export {
  certificateIdentity,
  forwardedCertificateHeader,
  type MeshNames,
  type PeerIdentity,
  sidecarIdentity,
  spiffeIdOf,
  workloadOf,
} from "./caller/workload-identity.ts";
export { type DeprecatedParts, type DeprecatedUse, deprecatedIn } from "./checks/deprecation.ts";
export { enumNames } from "./checks/remedy.ts";
export { messageTooLarge, requestBytesOf, usualRequestBytes } from "./checks/request-size.ts";
export { maskedFields, UpdateMaskError } from "./checks/update-mask.ts";
export { invalidFields, validateMessage, warmValidation } from "./checks/validation.ts";
export { RpcError, type RpcErrorCode } from "./errors.ts";
export { type FaultOrders, faultHeader, orderedFaults } from "./interceptors/faults.ts";
export { type ServerInterceptorOptions, serverInterceptors } from "./interceptors/list.ts";
export type { ReleaseOptions } from "./interceptors/release.ts";
export {
  assertInterceptors,
  interceptorOrder,
  type Step,
  type StepInterceptor,
} from "./interceptors/step.ts";
export { isProblemCarrier, type Problem, type ProblemCarrier, type Violation } from "./problem.ts";
export {
  describeError,
  errorDomain,
  problemError,
  problemFor,
  problemOf,
  toConnectError,
  toFailure,
} from "./status.ts";
export { type ConnectAdmission, createConnectAdmission } from "./wire/connect-admission.ts";
export { openGrpcTransport } from "./wire/grpc-client.ts";
export {
  type GrpcServer,
  type GrpcServerOptions,
  openGrpcServer,
  type ServerTls,
} from "./wire/grpc-server.ts";
export {
  type AdmittedCall,
  createDoor,
  createMemoryTransport,
  type Door,
  type MemoryTransportOptions,
  type OutsideCall,
  outsideValues,
} from "./wire/memory-transport.ts";
export { openPeerTransport, type PeerTransportOptions } from "./wire/peer-transport.ts";
export { resetConnection } from "./wire/reset.ts";
export { type RetryOptions, withRetries } from "./wire/retries.ts";
export { type Route, route } from "./wire/route.ts";
export { abortable, hookStream, mapStream, raceAbort, type StreamHooks } from "./wire/stream.ts";
export { compressionOf } from "./wire/unread-body.ts";
