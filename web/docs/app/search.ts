/** The search of the documentation: over an index that was made beforehand, and that is loaded when somebody begins to search. */
import MiniSearch from "minisearch";
import { type Section, searchOptions } from "./search-options.ts";

const most = 20;

const form = document.querySelector<HTMLFormElement>("#search")!;
const field = form.querySelector("input")!;
const found = document.querySelector<HTMLElement>("#found")!;
const status = found.querySelector("p")!;
const list = found.querySelector("ol")!;

let loading: Promise<MiniSearch<Section>> | undefined;

async function load(): Promise<MiniSearch<Section>> {
  const { content } = document.querySelector<HTMLMetaElement>('meta[name="wellapi-search-index"]')!;
  const answer = await fetch(content);
  if (!answer.ok) throw new Error(`the index was not loaded: ${answer.status}`);
  return MiniSearch.loadJSONAsync(await answer.text(), searchOptions);
}

/** Once; again only after a failure. */
function index(): Promise<MiniSearch<Section>> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function show(): Promise<void> {
  const query = field.value.trim();
  if (query === "") {
    found.hidden = true;
    return;
  }
  try {
    const search = await index();
    // Somebody has typed on meanwhile: their next input shows what it finds.
    if (query !== field.value.trim()) return;
    const hits = search.search(query);
    status.textContent = hits.length === 0 ? "Nothing was found." : `${hits.length} found`;
    list.replaceChildren(...hits.slice(0, most).map(itemOf));
  } catch {
    status.textContent = "The search could not be loaded. Load the page again.";
    list.replaceChildren();
  }
  found.hidden = false;
}

function itemOf({ page, heading, href }: { readonly [field: string]: string }): HTMLElement {
  const link = document.createElement("a");
  link.href = href!;
  link.textContent = heading!;
  const item = document.createElement("li");
  item.append(link);
  if (heading !== page) item.append(` ${page}`);
  return item;
}

form.hidden = false;
field.addEventListener("focus", () => void index().catch(() => undefined));
field.addEventListener("input", () => void show());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  list.querySelector("a")?.focus();
});
found.addEventListener("click", (event) => {
  if (event.target instanceof HTMLAnchorElement) found.hidden = true;
});
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || found.hidden) return;
  found.hidden = true;
  field.focus();
});
