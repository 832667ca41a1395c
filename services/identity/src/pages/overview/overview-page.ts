import type { ShownRecovery } from "../account/account-view.ts";
import { type Html, html } from "../html.ts";
import {
  type Entry,
  officeEntriesOf,
  organizationEntriesOf,
  recordEntries,
  recordEntriesOf,
} from "../navigation.ts";
import type { Page } from "../page.ts";
import { badge, notice } from "../parts.ts";
import type { Reader, RecordOption } from "../record/reader.ts";
import { actingText, recordField, recordTitle } from "../record/record-parts.ts";
import { recoveryNotice } from "../recovery-notice.ts";
import { roleName } from "../roles.ts";
import type { View } from "../view.ts";

export interface Overview {
  readonly name: string;
  readonly hasPasskey: boolean;
  readonly recovery: ShownRecovery | undefined;
  readonly reader: Reader;
  /** What was just done about somebody else's record. */
  readonly done: "accepted" | "gave" | undefined;
}

/** Where a person starts: each page that they can open, and whose record is open. */
export function overviewPage(view: View, { name, hasPasskey, recovery, reader, done }: Overview): Page {
  const { account, overview, people } = view.words;
  const { record, records, workplaces, staff } = reader;
  const body = html`<h1>${account.hello(name)}</h1>
${done === "gave" && html`<div class="notice success" role="status"><p>${people.gaveUp}</p></div>`}
${done === "accepted" && record !== undefined && html`<div class="notice success" role="status"><p><strong>${people.accepted(record.name)}.</strong> ${people.acceptedLead}</p></div>`}
${recovery !== undefined && recoveryNotice(view, recovery)}
${!hasPasskey && notice("warning", html`<p>${overview.noPasskey} <a href="/account/passkey">${account.addPasskey}</a></p>`)}
${record !== undefined && card("record", recordTitle(view.words, record), links(view, recordEntriesOf(record)))}
${records.some(({ as }) => as !== "self") && recordsCard(view, reader)}
${records.length === 0 && workplaces.length === 0 && staff.length === 0 && noRecord(view)}
${workplaces.map((one, at) =>
  card(
    `work-${at}`,
    overview.work(one.name),
    html`<p class="quiet small">${overview.yourRoles(rolesText(view, one.roles))}</p>
${links(view, organizationEntriesOf(one.id, one.roles))}`,
  ),
)}
${
  staff.length > 0 &&
  card(
    "staff",
    overview.staffWork,
    html`<p class="quiet small">${overview.yourRoles(rolesText(view, staff))}</p>
${links(view, officeEntriesOf(staff))}`,
  )
}
${card("account", overview.account, links(view, accountEntries(reader)))}`;
  return { title: overview.title, body, signedIn: true, record };
}

const security: Entry = {
  path: "/account/security",
  label: ({ overview }) => overview.securityTitle,
  hint: ({ overview }) => overview.securityHint,
};

const claim: Entry = {
  path: "/account/claim",
  label: ({ overview }) => overview.claim,
  hint: ({ overview }) => overview.claimHint,
};

const guardianships: Entry = {
  path: "/account/guardianships",
  label: ({ guardianship }) => guardianship.title,
  hint: ({ guardianship }) => guardianship.hint,
};

/** Of the account itself. Where it opens no record, its apps have no other place. */
function accountEntries({ record, records }: Reader): readonly Entry[] {
  const owns = records.some(({ as }) => as === "self");
  const apps = recordEntries.filter(({ path }) => record === undefined && path === "/account/apps");
  return [security, ...apps, ...(owns ? [] : [claim]), guardianships];
}

function rolesText({ words }: View, roles: readonly string[]): string {
  return roles.map((role) => roleName(words, role)).join(", ");
}

function card(id: string, title: string, content: Html): Html {
  return html`<section class="card stack-close" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}</section>`;
}

function links({ words }: View, entries: readonly Entry[]): Html {
  return html`<ul class="ways">${entries.map(
    ({ path, label, hint }) =>
      html`<li><a href="${path}"><strong>${label(words)}</strong><span class="quiet small">${hint(words)}</span></a></li>`,
  )}</ul>`;
}

function recordsCard(view: View, { records, record }: Reader): Html {
  const { overview } = view.words;
  return card(
    "others",
    overview.others,
    html`<p class="quiet small">${overview.othersLead}</p>
<ul class="rows">${records.map((one) => recordRow(view, one, one.actingAs === record?.actingAs))}</ul>`,
  );
}

function recordRow({ words }: View, one: RecordOption, open: boolean): Html {
  const { overview } = words;
  const { as, name } = one;
  const says = as === "self" ? overview.self : actingText(overview, as);
  const label = as === "self" ? overview.openOwn : overview.openNamed(name);
  return html`<li><div><strong>${as === "self" ? overview.self : name}</strong>${as !== "self" && html`<br><span class="quiet small">${says}</span>`}</div>
${
  open
    ? badge("success", overview.chosen)
    : html`<form method="post" action="/account/record">${recordField(one)}<button class="button second slim" aria-label="${label}">${overview.open}</button></form>`
}</li>`;
}

function noRecord({ words }: View): Html {
  const { overview } = words;
  return card("no-record", overview.noRecord, html`<p>${overview.noRecordLead}</p>`);
}
