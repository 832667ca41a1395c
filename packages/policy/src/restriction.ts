import { type Mistake, mistakesOf, type PolicyJson, parsePolicies } from "./cedar.ts";
import { schema } from "./default-policies.ts";

/** What is wrong with a restriction, and where in its text. */
export interface RestrictionMistake {
  readonly message: string;
  /** What to do. */
  readonly help?: string;
  /** From 1; undefined where it is about the whole. */
  readonly line?: number;
}

export interface RestrictionCheck {
  readonly organization: string;
  /** Whether the application is the organization's own. */
  readonly owns: (application: string) => Promise<boolean>;
}

/**
 * The library runs in WebAssembly, whose stack is small: a text that is nested too deep ends the whole instance, and with it
 * every further decision. Measured (test/bounds.test.ts): 60 brackets and 200 operators in a row are evaluated.
 */
const mostCharacters = 4_000;
const mostDepth = 20;
const mostOperators = 150;

/**
 * Checks a restriction before it is stored: one `forbid` about the organization's own people or applications that the schema
 * understands. The parsed policy is looked at, never its text. Empty: nothing is wrong.
 */
export async function checkRestriction(
  text: string,
  check: RestrictionCheck,
): Promise<readonly RestrictionMistake[]> {
  const bound = boundOf(text);
  if (bound !== undefined) return [{ message: bound, help: "part it into several policies" }];
  const parsed = parsePolicies(text);
  if ("mistakes" in parsed) return parsed.mistakes.map((mistake) => placed(text, mistake));
  const [policy, ...others] = parsed;
  if (policy === undefined) {
    return [
      { message: "there is no policy", help: "write one forbid (principal in ..., action, resource);" },
    ];
  }
  if (others.length > 0) {
    return [{ message: `there are ${parsed.length} policies`, help: "store each as a policy of its own" }];
  }
  if (policy.json.effect !== "forbid") {
    return [
      {
        message: "it permits: an organization's policy may only forbid",
        help: "what the exchange's own policies forbid, no organization can permit; write a forbid",
      },
    ];
  }
  const foreign = await foreignPrincipal(policy.json, check);
  if (foreign !== undefined) return [foreign];
  return once(mistakesOf(schema, { restriction: text }).map((mistake) => placed(text, mistake)));
}

/** A restriction names its principals in its scope, where nothing can make it mean others. */
async function foreignPrincipal(
  { principal }: PolicyJson,
  { organization, owns }: RestrictionCheck,
): Promise<RestrictionMistake | undefined> {
  const own = `principal in Organization::"${organization}"`;
  const help = `write (${own}, ...), or name one of your applications: principal == Application::"app_..."`;
  switch (principal.op) {
    case "All":
      return { message: "it is about everybody", help };
    case "in":
      return inOwn(principal, organization) ? undefined : { message: "it is about others", help };
    case "is":
      if (principal.in === undefined) return { message: `it is about every ${principal.entity_type}`, help };
      return inOwn(principal.in, organization) ? undefined : { message: "it is about others", help };
    case "==": {
      if (!("entity" in principal)) return { message: "it names no principal", help };
      const { type, id } = uidOf(principal.entity);
      const mine = type === "Application" && (await owns(id));
      return mine ? undefined : { message: "it is about others", help };
    }
  }
}

function inOwn(constraint: object, organization: string): boolean {
  if (!("entity" in constraint)) return false;
  const { type, id } = uidOf(constraint.entity as Uid);
  return type === "Organization" && id === organization;
}

type Uid =
  | { readonly type: string; readonly id: string }
  | { readonly __entity: { type: string; id: string } };

function uidOf(uid: Uid): { readonly type: string; readonly id: string } {
  return "__entity" in uid ? uid.__entity : uid;
}

/** The bound that a text exceeds. Characters in strings and comments count, too: nothing has to be understood for it. */
export function boundOf(text: string): string | undefined {
  if (text.length > mostCharacters) return `it is longer than ${mostCharacters} characters`;
  let depth = 0;
  let deepest = 0;
  for (const one of text) {
    if ("([{".includes(one)) deepest = Math.max(deepest, ++depth);
    else if (")]}".includes(one)) depth = Math.max(0, depth - 1);
  }
  if (deepest > mostDepth) return `its brackets are nested more than ${mostDepth} deep`;
  const operators = text.match(/[.[+*!-]|\b(?:if|has|is|in|like|when|unless)\b/g)?.length ?? 0;
  return operators > mostOperators ? `it has more than ${mostOperators} operators` : undefined;
}

/** The library says the same of each action to which a policy applies: the first stands for all. */
function once(mistakes: readonly RestrictionMistake[]): readonly RestrictionMistake[] {
  const told = new Set<string>();
  return mistakes.filter(({ message, line }) => {
    const same = `${line} ${message.replace(/Action::"[^"]*"/g, "")}`;
    return !told.has(same) && told.add(same);
  });
}

function placed(text: string, { message, help, start }: Mistake): RestrictionMistake {
  return {
    message,
    ...(help === undefined ? {} : { help }),
    ...(start === undefined ? {} : { line: text.slice(0, start).split("\n").length }),
  };
}
