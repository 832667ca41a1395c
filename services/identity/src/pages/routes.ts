import {
  type HttpReply,
  type HttpRequest,
  languageSeconds,
  type Refusal,
  refusalOf,
  type Surface,
} from "@wellapi/http";
import { type CookieName, dropCookie, setCookie } from "./cookies.ts";
import { formBytes, formType, parseForm } from "./forms.ts";
import { documentOf, htmlType, type Page } from "./page.ts";
import { problemPage, shapeForReaders } from "./problems.ts";
import { askedLanguage, viewOf } from "./view.ts";

/** Nothing but our own files, and nobody frames a page. */
export const pageSecurity = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    scriptSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
} as const;

/** What every surface of pages has. Where callers show their credential differs. */
export function pagesSurface(
  surface: Pick<Surface, "name" | "paths" | "mount"> & { readonly credential: "header" | "body" },
): Surface {
  const { credential, mount, ...others } = surface;
  return {
    ...others,
    methods: ["GET", "POST"],
    requestHeaders: ["cookie", "sec-fetch-site"],
    securityHeaders: pageSecurity,
    cors: "none",
    bodies: { limit: formBytes, parsers: { [formType]: parseForm }, credential },
    refuse: refusalOf,
    shape: shapeForReaders,
    async mount(app, context) {
      app.addHook("onRequest", async (request, reply) => {
        const chosen = askedLanguage(request);
        if (chosen !== undefined) reply.header("set-cookie", setCookie("language", chosen, languageSeconds));
        if (request.method === "GET" || fromOurPage(request)) return;
        return sendProblem(reply, foreign);
      });
      await mount(app, context);
      for (const path of others.paths.filter((one) => one.endsWith("/"))) {
        app.get(`${path}*`, async (_request, reply) => sendProblem(reply, missing));
      }
    },
  };
}

/**
 * Whether a page of this very origin sends the form. Browsers say so by themselves (Fetch Metadata), and no page can make them
 * lie. A browser that says nothing is refused: it is older than passkeys.
 */
function fromOurPage({ headers }: HttpRequest): boolean {
  return headers["sec-fetch-site"] === "same-origin";
}

const foreign: Refusal = {
  status: 403,
  problem: { code: "permission_denied", reason: "FOREIGN_REQUEST", message: "not from a page of ours" },
};

const missing: Refusal = {
  status: 404,
  problem: { code: "not_found", reason: "NOT_FOUND", message: "there is no such page" },
};

function sendProblem(reply: HttpReply, refusal: Refusal): HttpReply {
  const { request } = reply;
  reply.code(refusal.status).header("cache-control", "no-store").type(htmlType);
  return reply.send(problemPage(viewOf(request), refusal, request));
}

/** `status`: 422 for a form that has to be corrected. */
export function sendPage(reply: HttpReply, page: Page, status = 200): HttpReply {
  return reply
    .code(status)
    .type(htmlType)
    .send(documentOf(viewOf(reply.request), page));
}

/** Goes on by GET, so that nothing is sent twice. */
export function goOn(reply: HttpReply, path: string): HttpReply {
  return reply.code(303).header("location", path).send();
}

export function keep(reply: HttpReply, name: CookieName, value: string, maxAgeSeconds?: number): void {
  reply.header("set-cookie", setCookie(name, value, maxAgeSeconds));
}

export function forget(reply: HttpReply, name: CookieName): void {
  reply.header("set-cookie", dropCookie(name));
}
