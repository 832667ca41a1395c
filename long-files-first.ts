import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The run ends with the files that share processes. Of these, `*.it.test.ts` go first: one that takes minutes and starts last leaves a
 * core idle. All else is Vitest's own order; `--sequence.shuffle.files` has no effect beside it.
 */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const projects = Map.groupBy(await super.sort(files), ({ project }) => project);
    return [...projects].flatMap(([{ config }, of]) => {
      // Isolated files run before. Their long ones are spread among the others: two meshes or browsers at once starve each other.
      if (config.isolate) return of;
      const isLong = ({ moduleId }: TestSpecification) => moduleId.endsWith(".it.test.ts");
      return [...of.filter(isLong), ...of.filter((file) => !isLong(file))];
    });
  }
}
