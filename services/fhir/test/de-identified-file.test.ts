import { create } from "@bufbuild/protobuf";
import { createRouterTransport } from "@connectrpc/connect";
import { ExportSchema, ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { describe, expect, test } from "vitest";
import { deIdentifiedLines, fewestPatients } from "../src/rest/bulk/de-identified-file.ts";

const patients = Array.from({ length: fewestPatients }, (_, at) => `pat_${at}`);
/** Of each patient, so that the resources are over 64 MiB together. */
const note = "x".repeat(6_200_000);

function fileOf(elements: string[]): Promise<string> {
  const transport = createRouterTransport(({ service }) => {
    service(ExportService, {
      readDeIdentified: ({ patient }) => ({
        resources: [JSON.stringify({ resourceType: "Condition", id: patient, note: [{ text: note }] })],
      }),
    });
  });
  const one = create(ExportSchema, { id: "exp_1", elements, deIdentified: true });
  return deIdentifiedLines(transport, one, "Condition", patients, new AbortController().signal);
}

describe("a de-identified file", () => {
  test("is refused where it would be over 64 MiB", async () => {
    await expect(fileOf([])).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  test("of a few elements is as large as these, however large the resources are", async () => {
    const lines = (await fileOf(["subject"])).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).id).sort()).toEqual([...patients].sort());
  });
});
