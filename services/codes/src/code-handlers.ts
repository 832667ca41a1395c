import type { ServiceImpl } from "@connectrpc/connect";
import {
  type CodeService,
  TranslateCodeResponse_Match_Equivalence as Equivalence,
} from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import type { Catalog, Property } from "./catalog/catalog.ts";
import type { ConceptMap } from "./catalog/vendor-maps.ts";
import { conceptMessage, faultMessages } from "./convert.ts";
import { CodesError } from "./errors.ts";
import { translate } from "./translation.ts";
import { createJudge } from "./verdict.ts";

const usualPage = 100;
const mostAPage = 1_000;

export function createCodeHandlers(deps: {
  readonly catalog: Catalog;
  readonly maps: readonly ConceptMap[];
  /** More of what is known of a code. */
  readonly properties: (system: string, code: string) => readonly Property[];
}): ServiceImpl<typeof CodeService> {
  const { catalog, maps, properties } = deps;
  const judge = createJudge(catalog);
  return {
    async lookupCode({ system: url, code, version }) {
      const system = await catalog.codeSystem(url, version);
      if (system === undefined) throw new CodesError("unknown_code_system");
      const found = await system.find(code);
      if (found === undefined) throw new CodesError("unknown_code");
      return {
        name: system.title,
        version: system.version,
        concept: conceptMessage(found),
        properties: [...properties(url, code)],
      };
    },
    async validateCode(request) {
      const { valid, fault, concept, version } = await judge(request);
      return {
        valid,
        fault: faultMessages[fault],
        version,
        ...(concept !== undefined && { concept: conceptMessage(concept) }),
      };
    },
    async expandValueSet({ valueSet: url, version, filter, offset, pageSize }) {
      const set = await catalog.valueSet(url, version);
      if (set === undefined) throw new CodesError("unknown_value_set");
      const limit = Math.min(pageSize === 0 ? usualPage : pageSize, mostAPage);
      const { codes, total } = await set.page({ filter, offset, limit });
      return {
        title: set.title,
        version: set.version,
        concepts: codes.map(conceptMessage),
        ...(total !== undefined && { total: BigInt(total) }),
        unclosed: set.unclosed,
      };
    },
    async translateCode(request) {
      const matches = translate(maps, request).map(({ conceptMap, target, comment }) => ({
        equivalence: target === undefined ? Equivalence.UNMATCHED : Equivalence.RELATEDTO,
        ...(target !== undefined && { concept: conceptMessage(target) }),
        conceptMap,
        comment,
      }));
      return { matches };
    },
  };
}
