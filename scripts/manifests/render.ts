import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { GoToolError, openGoTool } from "../go-tools.ts";
import type { Manifest } from "./derived.ts";

export const overlays = ["local", "production"] as const;

export type Overlay = (typeof overlays)[number];

/** What `kubectl apply -k deploy/kubernetes/overlays/<overlay>` would send, as text. By kustomize itself. */
export function renderText(overlay: Overlay): string {
  const folder = fileURLToPath(new URL(`../../deploy/kubernetes/overlays/${overlay}`, import.meta.url));
  const run = spawnSync(openGoTool("kustomize"), ["build", folder], { encoding: "utf8", maxBuffer: 1 << 26 });
  if (run.status !== 0) throw new GoToolError(`kustomize refuses ${overlay}: ${run.stderr.trim()}`);
  return run.stdout;
}

/** The same as objects. */
export function render(overlay: Overlay): readonly Manifest[] {
  return parseAllDocuments(renderText(overlay)).map((document) => {
    if (document.errors.length > 0) throw new GoToolError(`${overlay}: ${document.errors[0]?.message}`);
    return document.toJS() as Manifest;
  });
}
