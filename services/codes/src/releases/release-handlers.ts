import type { ServiceImpl } from "@connectrpc/connect";
import type { RunLogged } from "@wellapi/access-log";
import { CodeReleaseService } from "@wellapi/gen/wellapi/codes/v1/code_release_service_pb";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Call } from "../accesses.ts";
import { fromConceptMessage, fromReleaseMessage, releaseMessage } from "../convert.ts";
import type { ReleaseRepository } from "./release-repository.ts";

const { method } = CodeReleaseService;

export function createReleaseHandlers(deps: {
  readonly logged: RunLogged<Call>;
  readonly releases: ReleaseRepository;
  readonly clock: Clock;
  readonly ids: Ids;
}): ServiceImpl<typeof CodeReleaseService> {
  const { logged, releases, clock, ids } = deps;
  return {
    createCodeRelease({ release }, context) {
      return logged(context, method.createCodeRelease, "", async ({ commit }) => {
        const asked = { id: ids.next("rel"), ...fromReleaseMessage(release!), created: clock.now() };
        return { release: releaseMessage(await releases.begin(asked, commit)) };
      });
    },
    async addConcepts({ release, offset, concepts }) {
      const changed = await releases.add(release, Number(offset), concepts.map(fromConceptMessage));
      return { release: releaseMessage(changed) };
    },
    activateCodeRelease({ release, concepts }, context) {
      return logged(context, method.activateCodeRelease, "", async ({ commit }) => {
        const changed = await releases.activate(release, Number(concepts), clock.now(), commit);
        return { release: releaseMessage(changed) };
      });
    },
    async listCodeReleases() {
      return { releases: (await releases.releases()).map(releaseMessage) };
    },
    deleteCodeRelease({ release }, context) {
      return logged(context, method.deleteCodeRelease, "", async ({ commit }) => {
        await releases.remove(release, commit);
        return {};
      });
    },
  };
}
