/** The pages that are made of the contracts: one for each service, and one for the types of each package. */
import { escaped, textOf } from "../pages/html.ts";
import { createMarkdown, type Markdown } from "../pages/markdown.ts";
import { type Group, hrefOf, type Page } from "../pages/page.ts";
import { type CallersInWords, type Contract, type Rpc, rpcsOf, type Schema } from "./contract.ts";
import { fieldsTable } from "./fields.ts";
import { anchorOf, referred, typeLink, typeNameOf, typesPath } from "./types.ts";

export const referencePath = "reference";

/** `reasons`: where the reasons of refusals are explained. */
export function referenceGroups(contract: Contract, reasons: ReadonlyMap<string, string>): readonly Group[] {
  const markdown = createMarkdown({
    target: (href) => (/^https?:/.test(href) ? href : undefined),
    words: reasons,
  });
  return [
    {
      title: "Services",
      pages: [
        overview(contract, markdown),
        ...contract.tags.map(({ name }) => servicePage(contract, name, markdown)),
      ],
    },
    { title: "Types", pages: typePages(contract, markdown) },
  ];
}

function servicePath(service: string): string {
  return `${referencePath}/${service}`;
}

function shortName(service: string): string {
  return service.slice(service.lastIndexOf(".") + 1);
}

function overview(contract: Contract, markdown: Markdown): Page {
  const rows = contract.tags.map(
    ({ name, description = "" }) =>
      `<dt><a href="${hrefOf(servicePath(name))}">${escaped(shortName(name))}</a> <small>${escaped(name)}</small></dt><dd>${markdown.render(description)}</dd>`,
  );
  return {
    path: referencePath,
    title: "All services",
    body: `<h1>All services</h1>\n${markdown.render(contract.info.description)}<dl class="services">${rows.join("\n")}</dl>\n`,
  };
}

function servicePage(contract: Contract, service: string, markdown: Markdown): Page {
  const { description = "" } = contract.tags.find(({ name }) => name === service)!;
  const rpcs = rpcsOf(contract, service).map((rpc) => rpcSection(contract, rpc, markdown));
  const title = shortName(service);
  return {
    path: servicePath(service),
    title,
    body: `<h1>${escaped(title)}</h1>\n<p><code>${escaped(service)}</code></p>\n${markdown.render(description)}${rpcs.join("")}`,
  };
}

function rpcSection({ components: { schemas } }: Contract, rpc: Rpc, markdown: Markdown): string {
  const message = (heading: string, { $ref }: Schema): string => {
    if ($ref === undefined) return `<h3>${heading}</h3>\n<p>It is empty.</p>\n`;
    const name = referred($ref);
    return `<h3>${heading}: ${typeLink(name)}</h3>\n${fieldsTable(schemas[name]!, markdown)}`;
  };
  const facts = factsOf(rpc).map(([fact, said]) => `<dt>${fact}</dt><dd>${said}</dd>`);
  return `<section><h2 id="${rpc.name}">${rpc.name}</h2>
${markdown.render(rpc.description)}<dl class="facts">${facts.join("")}</dl>
${message("Request", rpc.request)}${message("Answer", rpc.answer)}</section>
`;
}

function factsOf({
  path,
  form,
  callers,
  requestBytes,
  idempotency,
}: Rpc): readonly (readonly [string, string])[] {
  const carried = form === "stream both ways" ? "gRPC alone" : "gRPC, gRPC-Web, Connect";
  return [
    ["path", `<code>${escaped(path)}</code>`],
    ["form", `${form}; ${carried}`],
    ...callerFacts(callers),
    ["largest request", `${requestBytes / 1024} KiB`],
    ...(idempotency === undefined
      ? []
      : [["safe to repeat", idempotency === "no_side_effects" ? "yes, changes nothing" : "yes"] as const]),
  ];
}

function callerFacts({
  principals,
  members,
  staff,
  signIn,
  scopes,
}: CallersInWords): readonly (readonly [string, string])[] {
  const facts = [
    ["who may call it", principals.join(", ")],
    ["members", members.join(", ")],
    ["staff", staff.join(", ")],
    ["sign-in", signIn],
    ["scopes", scopes.join(" ")],
  ] as const;
  return facts.filter(([, said]) => said !== "").map(([fact, said]) => [fact, escaped(said)]);
}

function typePages({ components: { schemas } }: Contract, markdown: Markdown): readonly Page[] {
  const packages = Map.groupBy(Object.keys(schemas), (name) => typeNameOf(name).package);
  return [...packages].map(([packageName, names]) => ({
    path: typesPath(packageName),
    title: packageName,
    body: `<h1>Types of ${escaped(packageName)}</h1>\n${names
      .map((name) => typeSection(name, schemas[name]!, markdown))
      .join("")}`,
  }));
}

function typeSection(schema: string, { description = "", ...type }: Schema, markdown: Markdown): string {
  const name = typeNameOf(schema);
  const heading = `${escaped(name.name)}${name.input ? " in a request" : ""}`;
  return `<section><h2 id="${anchorOf(name)}">${heading}</h2>
${markdown.render(description)}${type.enum === undefined ? fieldsTable(type, markdown) : values(type.enum, description)}</section>
`;
}

/** The values that the description does not list, because the contract says nothing of them. */
function values(all: readonly string[], description: string): string {
  const silent = all.filter((value) => !description.includes(`\`${value}\``));
  const items = silent.map((value) => `<li><code>${escaped(value)}</code></li>`);
  return items.length === 0 ? "" : `<ul>${items.join("")}</ul>\n`;
}

/** Reasons by where they are explained: each has a section of the page. */
export function reasonsOf({ path, body }: Page): ReadonlyMap<string, string> {
  const sections = body.matchAll(/<h2 id="([^"]+)">(.*?)<\/h2>/gs);
  return new Map(
    [...sections]
      .map(([, id, heading]) => [textOf(heading!), `${hrefOf(path)}#${id}`] as const)
      .filter(([reason]) => /^[A-Z][A-Z0-9_]+$/.test(reason)),
  );
}
