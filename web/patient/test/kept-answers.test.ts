import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor, type UnaryRequest } from "@connectrpc/connect";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { expect, test, vi } from "vitest";
import { createKeptAnswers } from "../app/offline/kept-answers.ts";

const { getDevicePriority, setDevicePriority, listSeries } = RecordsService.method;

/** The network: what it answers now. */
type Network = () => string;
const unplugged: Network = () => {
  throw new TypeError("Failed to fetch");
};

function openPage() {
  let now = 1_000_000;
  const kept = createKeptAnswers(() => now);
  let network: Network = () => "first";
  const calls = (method: DescMethod, patient = "pat_ada", actingAs = "pat_ada") => {
    const message = create(method.input, { patient } as Partial<Message>);
    const request = { stream: false, method, message } as unknown as UnaryRequest;
    const next: ReturnType<Interceptor> = async () => {
      try {
        return { stream: false, message: network() } as never;
      } catch (error) {
        throw ConnectError.from(error);
      }
    };
    return kept
      .keeping(actingAs)(next)(request)
      .then(({ message: told }) => told as unknown);
  };
  return {
    kept,
    calls,
    answer(next: Network) {
      network = next;
    },
    pass(ms: number) {
      now += ms;
    },
  };
}

test("what was read is told where nobody answers, to the same question and reader alone", async () => {
  const { kept, calls, answer } = openPage();
  expect(await calls(listSeries)).toBe("first");
  answer(unplugged);
  expect(await calls(listSeries)).toBe("first");
  expect(kept.standing).toMatchObject({ kind: "offline", asOf: 1_000_000 });
  await expect(calls(listSeries, "pat_other")).rejects.toThrow("Failed to fetch");
  await expect(calls(listSeries, "pat_ada", "account")).rejects.toThrow("Failed to fetch");
  await expect(calls(getDevicePriority)).rejects.toThrow("Failed to fetch");
  answer(() => "second");
  expect(await calls(listSeries)).toBe("second");
  expect(kept.standing.kind).toBe("online");
});

test("a change is never answered from before, and what was answered before it is forgotten", async () => {
  const { calls, answer } = openPage();
  await calls(listSeries);
  await calls(setDevicePriority);
  answer(unplugged);
  await expect(calls(setDevicePriority)).rejects.toThrow("Failed to fetch");
  await expect(calls(listSeries)).rejects.toThrow("Failed to fetch");
});

test("a refusal is an answer", async () => {
  const { kept, calls, answer } = openPage();
  await calls(listSeries);
  for (const code of [Code.PermissionDenied, Code.Unavailable, Code.Unauthenticated]) {
    answer(() => {
      throw new ConnectError("no", code);
    });
    await expect(calls(listSeries)).rejects.toMatchObject({ code });
  }
  expect(kept.standing.kind).toBe("online");
});

test("everything is forgotten once the session may be over, also where no timer has run", async () => {
  const { kept, calls, answer, pass } = openPage();
  await calls(listSeries);
  const told = vi.fn();
  kept.onStanding(told);
  answer(unplugged);
  pass(30 * 60_000 - 1);
  expect(await calls(listSeries)).toBe("first");
  pass(1);
  await expect(calls(listSeries)).rejects.toThrow("Failed to fetch");
  expect([kept.standing.kind, told.mock.calls.length]).toEqual(["over", 2]);
  answer(() => "anew");
  expect(await calls(listSeries)).toBe("anew");
  expect(kept.standing.kind).toBe("online");
});

test("of many answers the oldest go", async () => {
  const { calls, answer } = openPage();
  for (let at = 0; at <= 200; at += 1) await calls(listSeries, `pat_${at}`);
  answer(unplugged);
  expect(await calls(listSeries, "pat_1")).toBe("first");
  await expect(calls(listSeries, "pat_0")).rejects.toThrow("Failed to fetch");
});
