import {
  type Compiled,
  callSort,
  compiledActors,
  compiledPurposes,
  compiledRoles,
  dataSort,
} from "./compiled.ts";
import { createCallPolicies } from "./denied-calls.ts";
import { dependenciesOf } from "./dependencies.ts";
import type { PolicyEngine } from "./engine.ts";
import { PolicyError } from "./errors.ts";
import { assurances, type DataQuestion, type Denial, type Subject, sensitivities } from "./vocabulary.ts";

/** Attributes on which the default policies may not depend, because the answers are worked out without them. */
const leftOut = ["time", "hour", "weekday", "address", "code", "categories", "region"] as const;

/** Works the answers of the default policies out. @throws PolicyError where they depend on what is left out */
export function compileDefaults(engine: PolicyEngine): Compiled {
  const { attributes } = dependenciesOf(engine.defaults.map(({ text }) => text));
  const wrong = leftOut.filter((name) => attributes.has(name));
  if (wrong.length > 0) {
    throw new PolicyError("invalid_policies", `a default policy may not look at ${wrong.join(", ")}`);
  }
  const policies = createCallPolicies(engine);
  const calls = sorts().flatMap((subject) => {
    const denied = policies.deniedCalls(subject, { time: 0 });
    return denied.size === 0 ? [] : [[callSort(subject)!, Object.fromEntries(denied)] as const];
  });
  const data = applications().flatMap((subject) =>
    questions().flatMap((question): (readonly [string, Denial])[] => {
      const verdict = engine.decideData(subject, question);
      return verdict.permitted ? [] : [[dataSort(subject, question)!, verdict]];
    }),
  );
  return { calls: Object.fromEntries(calls), data: Object.fromEntries(data) };
}

/** Every sort of caller, once. */
export function sorts(): readonly Subject[] {
  const signIns = [{}, ...assurances.map((assurance) => ({ assurance }))];
  const actors = [{}, ...compiledActors.map((actor) => ({ actor }))];
  const id = "id";
  const signedIn = (subject: Subject): Subject[] => signIns.map((one) => ({ ...subject, ...one }));
  return [
    ...applications(),
    ...actors.flatMap((actor) => signedIn({ kind: "patient", id, ...actor })),
    ...signedIn({ kind: "person", id }),
    ...subsets(compiledRoles.member).flatMap((roles) => signedIn({ kind: "member", id, roles })),
    ...subsets(compiledRoles.operator)
      .filter((roles) => roles.length > 0)
      .flatMap((roles) => signedIn({ kind: "operator", id, roles })),
  ];
}

export function applications(): readonly Subject[] {
  const plain: Subject = { kind: "application", id: "id" };
  return [plain, ...compiledActors.map((actor) => ({ ...plain, actor }))];
}

export function questions(): readonly DataQuestion[] {
  const data = { code: "code", categories: ["category"], region: "region" };
  return sensitivities.flatMap((sensitivity) => [
    { ...data, sensitivity, direction: "contribute" as const },
    ...compiledPurposes.flatMap((purpose) =>
      [false, true].map((emergency) => ({
        ...data,
        sensitivity,
        direction: "read" as const,
        purpose,
        emergency,
      })),
    ),
  ]);
}

function subsets<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: 2 ** all.length }, (_, chosen) => all.filter((_one, i) => chosen & (1 << i)));
}
