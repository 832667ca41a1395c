export { type Docs, type DocsPage, readDocs } from "./site.ts";
