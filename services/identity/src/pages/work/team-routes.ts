import { randomUUID } from "node:crypto";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import type { Invitation, Member } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import type { StaffMember } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { type HttpReply, type HttpRequest, refusalOf, type SurfaceContext } from "@wellapi/http";
import { msOf } from "../account/account-view.ts";
import { confirmFirst, isConfirmed } from "../assurance.ts";
import { type Form, formOf, requestIdIn } from "../forms.ts";
import { languageOf } from "../language.ts";
import { type Reader, readerOf } from "../record/reader.ts";
import { goOn, sendPage } from "../routes.ts";
import { type App, accountClient, call, correctable, formFor } from "../signed-in.ts";
import { timeText } from "../times.ts";
import { type View, viewOf } from "../view.ts";
import type { Team } from "./team.ts";
import { type ShownInvitation, type ShownMember, type TeamPage, teamPage } from "./team-page.ts";

/** Whose team a page is about. */
export interface TeamPlace {
  /** In the router. */
  readonly route: string;
  readonly pathOf: (request: HttpRequest) => string;
  readonly teamOf: (request: HttpRequest) => Team;
  readonly about: (
    request: HttpRequest,
    reader: Reader,
  ) => Pick<TeamPage, "title" | "beside"> & {
    /** The reader's own, spelled as callers' tables do: `owner`. */
    readonly roles: readonly string[];
  };
}

type Wrong = TeamPage["wrong"];
type Show = (request: HttpRequest, reply: HttpReply, wrong?: Wrong) => Promise<HttpReply>;

/** The page of a team, and what is changed on it. */
export function addTeam(app: App, context: SurfaceContext, place: TeamPlace): void {
  const { route, pathOf, teamOf } = place;
  const show = createShow(context, place);
  app.get(route, (request, reply) => show(request, reply));
  const ofForm = formFor(AccountService.method.listActingOptions, pathOf);
  const change = (name: string, done: string, act: (team: Team, form: Form) => Promise<unknown>): void => {
    app.post(`${route}/${name}`, ofForm, async (request, reply) => {
      // The call by which the form was admitted.
      await readerOf(context, request);
      const form = formOf(request);
      try {
        await act(teamOf(request), form);
      } catch (error) {
        const text = correctable(request, error);
        return show(request, reply, { text, email: form.text("email") ?? "", roles: rolesIn(form) });
      }
      // Who has left sees the page no more.
      const left = name === "remove" && form.has("own");
      return goOn(reply, left ? "/account" : `${pathOf(request)}?done=${done}`);
    });
  };
  change("invite", "invited", (team, form) =>
    team.invite({
      email: form.text("email") ?? "",
      roles: rolesIn(form),
      language: languageOf(form.text("language")) ?? "en",
      requestId: requestIdIn(form),
    }),
  );
  change("withdraw", "saved", (team, form) => team.withdraw(form.text("invitation") ?? "none"));
  change("roles", "saved", (team, form) => team.change(accountIn(form), rolesIn(form), etagIn(form)));
  change("remove", "saved", (team, form) => team.remove(accountIn(form), etagIn(form)));
}

const accountIn = (form: Form): string => form.text("account") ?? "none";
const etagIn = (form: Form): string => form.text("etag") ?? "";
const rolesIn = (form: Form): readonly Role[] =>
  form
    .all("role")
    .map(Number)
    .filter((role) => role in Role);

type Query = { readonly done?: string };

function createShow(context: SurfaceContext, { pathOf, teamOf, about }: TeamPlace): Show {
  return async (request, reply, wrong) => {
    const view = viewOf(request);
    const team = teamOf(request);
    const reader = await readerOf(context, request);
    const { roles, ...titles } = about(request, reader);
    const path = pathOf(request);
    const [{ account }, members, invitations, confirmed] = await Promise.all([
      accountClient(context, request).getAccount({}, call),
      team.members(),
      permitted(team.invitations()),
      isConfirmed(context, request, team.assurance),
    ]);
    const { done } = request.query as Query;
    const page = teamPage(view, {
      ...titles,
      path,
      members: members.map((one) => shownMember(view, one, account?.id)),
      invitations: invitations?.map((one) => shownInvitation(view, one)),
      gives: givenBy(roles, team.roles),
      first: confirmed ? undefined : confirmFirst(view, path),
      requestId: randomUUID(),
      done: done === "saved" || done === "invited" ? done : undefined,
      wrong,
    });
    return sendPage(reply, page, wrong === undefined ? 200 : 422);
  };
}

/** Undefined where the reader's roles do not reach so far. */
async function permitted<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (refusalOf(error).status === 403) return undefined;
    throw error;
  }
}

/** What the page offers; the call itself decides. */
function givenBy(own: readonly string[], all: readonly Role[]): readonly Role[] {
  if (own.includes("owner") || own.includes("operator")) return all;
  return own.includes("administrator") ? all.filter((role) => role !== Role.OWNER) : [];
}

function shownMember(view: View, one: Member | StaffMember, reader: string | undefined): ShownMember {
  const { account, email, roles, etag, createTime } = one;
  const since = timeText(view, msOf(createTime));
  return { account, email, roles, etag, since, own: account === reader };
}

function shownInvitation(view: View, { id, email, roles, expireTime }: Invitation): ShownInvitation {
  return { id, email, roles, until: timeText(view, msOf(expireTime)) };
}
