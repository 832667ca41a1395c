import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { hidden, notice } from "../parts.ts";
import type { RecordOption } from "../record/reader.ts";
import { recordField, recordPage } from "../record/record-parts.ts";
import type { View } from "../view.ts";

export interface ShownPermission {
  readonly id: string;
  readonly name: string;
  readonly since: string;
  /** Undefined: until it is taken back. */
  readonly until: string | undefined;
  readonly provisions: readonly {
    readonly deIdentified: boolean;
    /** Whether it is about the data of some sources alone. */
    readonly someSources: boolean;
    /** Whether a part of each datum is left out. */
    readonly masked: boolean;
    readonly effect: Provision_Effect;
    readonly directions: readonly Direction[];
    readonly categories: readonly string[];
  }[];
}

export function permissionsPage(
  view: View,
  options: {
    record: RecordOption;
    permissions: readonly ShownPermission[];
    saved: boolean;
    problem?: string | undefined;
  },
): Page {
  const { permissions: words } = view.words;
  const { record, permissions, saved, problem } = options;
  const title = record.as === "self" ? words.title : words.titleOf(record.name);
  const body = html`<h1>${title}</h1>
<p class="quiet">${words.lead}</p>
${saved && html`<div class="notice success" role="status"><p>${words.revoked}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
${permissions.length === 0 && html`<p>${words.none}</p>`}
${permissions.map((one) => card(view, record, one))}`;
  return recordPage(view, record, { title, body });
}

function card(view: View, record: RecordOption, permission: ShownPermission): Html {
  const { permissions: words } = view.words;
  const { id, name, since, until, provisions } = permission;
  return html`<section class="card stack">
<h2>${name}</h2>
<ul>${provisions.map((one) => html`<li>${provisionText(view, one)}</li>`)}</ul>
<p class="quiet small">${words.since(since)} · ${until === undefined ? words.untilRevoked : words.until(until)}</p>
<form method="post" action="/account/permissions/revoke">${recordField(record)}${hidden("consent", id)}<button class="button danger slim" aria-label="${words.revokeNamed(name)}">${words.revoke}</button></form>
</section>`;
}

function provisionText({ words }: View, provision: ShownPermission["provisions"][number]): string {
  const { permissions: says, consent } = words;
  const data = provision.categories.map((name) => consent.categories[name] ?? name.replaceAll("_", " "));
  const does = [
    provision.directions.includes(Direction.READ) &&
      (provision.deIdentified ? says.readWithoutName : says.read),
    provision.directions.includes(Direction.CONTRIBUTE) && says.contribute,
  ].filter(Boolean);
  const effect = provision.effect === Provision_Effect.PERMIT ? says.may : says.mayNot;
  const limits = [provision.someSources && says.someSources, provision.masked && says.masked].filter(Boolean);
  return `${effect(does.join(", "))}: ${[data.join("; "), ...limits].join(", ")}`;
}
