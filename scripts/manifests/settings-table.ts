import type { ServiceDescriptor, Setting } from "../../packages/service/src/index.ts";

const begin = "<!-- generated from the services' descriptors (make generate) -->\n";
const end = "<!-- end -->\n";

/** The README with its table of the services' own settings, as the descriptors have them. */
export function withSettings(readme: string, services: readonly ServiceDescriptor[]): string {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error("host/README.md has no place for the services' settings");
  return `${readme.slice(0, from)}${begin}${tableOf(services)}${readme.slice(to)}`;
}

function tableOf(services: readonly ServiceDescriptor[]): string {
  const rows = services.flatMap(({ name, settings = {} }) =>
    Object.values<Setting<unknown>>(settings).map(
      (setting) => `| \`${setting.name}\` | ${defaultOf(setting)} | ${name}: ${setting.what} |`,
    ),
  );
  return ["| setting | default | |", "|---|---|---|", ...rows, ""].join("\n");
}

function defaultOf({ fallback }: Setting<unknown>): string {
  return fallback === undefined ? "none" : `\`${fallback}\``;
}
