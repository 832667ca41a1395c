import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { SurfaceContext } from "@wellapi/http";
import { confirmFirst, isConfirmed } from "../assurance.ts";
import { html } from "../html.ts";
import { readerOf } from "../record/reader.ts";
import { recordPage } from "../record/record-parts.ts";
import { goOn, sendPage } from "../routes.ts";
import type { App } from "../signed-in.ts";
import { viewOf } from "../view.ts";

const path = "/account/download";

/** The way to the whole record as one file. The file itself is another surface's, which asks again who wants it. */
export function addDownload(app: App, context: SurfaceContext): void {
  app.get(path, async (request, reply) => {
    const { record } = await readerOf(context, request);
    if (record === undefined) return goOn(reply, "/account");
    const view = viewOf(request);
    const { download } = view.words;
    const confirmed = await isConfirmed(context, request, Assurance.FRESH);
    const body = html`<h1>${download.title}</h1>
<section class="card stack">
<p>${download.lead} ${download.holds}</p>
<p>${download.keep} ${download.noted}</p>
${
  confirmed
    ? html`<p><a class="button" href="/download/${record.actingAs}" download>${download.begin}</a></p>`
    : confirmFirst(view, path)
}
</section>`;
    return sendPage(reply, recordPage(view, record, { title: download.title, body }));
  });
}
