export { cookieIn, requestIdHeader } from "@wellapi/rpc";
export type { FastifyReply as HttpReply, FastifyRequest as HttpRequest } from "fastify";
export type { ClientCertificates } from "./client-certificate.ts";
export { type CorsPolicy, localOrigins, passPageHeaders, readableBy, rpcCors } from "./cors.ts";
export { HttpError, type HttpErrorCode } from "./errors.ts";
export { type AnswerTarget, holdHttpAnswer } from "./held-answer.ts";
export { httpCallOf } from "./http-call.ts";
export type { MountedSurface } from "./mount.ts";
export { createPacedAnswers, type PacedAnswer, type PacedAnswers } from "./paced-answers.ts";
export type { RegisteredOrigins } from "./page-origins.ts";
export { languageSeconds, pageCookies, pageLanguage } from "./page-reader.ts";
export type { PeerTls } from "./peer-agent.ts";
export { preferencesOf } from "./preferences.ts";
export { readsOnceMore } from "./reads-once-more.ts";
export {
  fileRefusalOf,
  type HttpProblem,
  logRefusal,
  type Refusal,
  refusalOf,
  violationsOf,
} from "./refusal.ts";
export { createRemoteSurface, type RemoteSurfaceOptions } from "./remote-surface.ts";
export { credentialHeaders } from "./request-headers.ts";
export { createRequestEnds, onceOver, requestOverOf } from "./request-over.ts";
export type { SecurityHeaders } from "./security-headers.ts";
export { createSendQueues } from "./send-queues.ts";
export { type HttpServer, type HttpServerOptions, openHttpServer } from "./server.ts";
export type {
  Bodies,
  HttpMethod,
  ShapedRefusal,
  Surface,
  SurfaceContext,
  SurfaceDeclaration,
} from "./surface.ts";
export { pathOf } from "./surface.ts";
