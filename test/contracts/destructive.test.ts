import { getOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { destructive } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { expect, test } from "vitest";
import { methodsOf, publicFiles } from "./descriptors.ts";

/** First words of names that say that something ends (AIP-135 and the house's). Others end something, too: the contract says which. */
const ends =
  /^(Cancel|Confirm|Delete|Disable|Dispute|Dismiss|End|Erase|Purge|Refuse|Remove|Report|Retract|Revoke|Rotate|Stop|Undo|Unverify|Withdraw)(?![a-z])/;

test("a public RPC whose name says that it ends something is marked destructive, and no read is", async () => {
  const methods = methodsOf(await publicFiles());
  const names = (found: typeof methods) => found.map(({ parent, name }) => `${parent.name}/${name}`);
  const marked = methods.filter((method) => getOption(method, destructive));
  expect(marked.length).toBeGreaterThan(40);
  expect(
    names(methods.filter((method) => ends.test(method.name) && !getOption(method, destructive))),
  ).toEqual([]);
  const reads = marked.filter(
    ({ name, idempotency }) =>
      idempotency === Idempotency.NO_SIDE_EFFECTS ||
      /^(Aggregate|Get|List|Query|Read|Search|Watch)(?![a-z])/.test(name),
  );
  expect(names(reads)).toEqual([]);
});
