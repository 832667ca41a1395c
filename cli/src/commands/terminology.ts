import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { CategorySetSchema, Code_Kind, CodeSchema } from "@wellapi/gen/wellapi/terminology/v1/terminology_pb";
import { TerminologyService } from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

export function addCodes(program: Command, io: Io): void {
  addConnectionOptions(program.command("codes [text]"), io)
    .description("list what can be stored: codes with kind, unit, category and plausible range")
    .option("--category <name>", "only those of a category", "")
    .addHelpText("after", "\nExample: wellapi codes heart")
    .action(async (text: string | undefined, { category }: { category: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(TerminologyService, await connect(settings));
      const codes = await Array.fromAsync(
        paginate(
          (pageToken) => client.listCodes({ text: text ?? "", category, pageToken }),
          (page) => page.codes,
        ),
      );
      createOutput(io, settings.json).rows(
        CodeSchema,
        codes,
        ["code", "name", "kind", "unit", "categories", "plausible"],
        ({ coding, kind, unit, categories, plausibleRange }) => [
          coding!.code,
          coding!.display,
          Code_Kind[kind]!.toLowerCase(),
          unit,
          categories.map(({ name }) => name).join(", "),
          plausibleRange === undefined ? "" : `${plausibleRange.low} to ${plausibleRange.high}`,
        ],
      );
    });
}

export function addCategories(program: Command, io: Io): void {
  addConnectionOptions(program.command("categories"), io)
    .description("list the categories that consents name, each version with its codes")
    .addHelpText("after", "\nExample: wellapi categories --json")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(TerminologyService, await connect(settings));
      const sets = await Array.fromAsync(
        paginate(
          (pageToken) => client.listCategories({ pageToken }),
          (page) => page.sets,
        ),
      );
      createOutput(io, settings.json).rows(
        CategorySetSchema,
        sets,
        ["category", "version", "codes"],
        ({ category, codes, current }) => [
          category!.name,
          `${category!.version}${current ? " (current)" : ""}`,
          codes.map(({ code }) => code).join(", "),
        ],
      );
    });
}
