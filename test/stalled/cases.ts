/** Readers that take nothing while consent is taken back, at both doors: for one process and for a mesh of processes. */
import { constants } from "node:http2";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import type { Server } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { connectRaw, type RawReader, readOverHttp1, readOverHttp2 } from "./readers.ts";
import { openStallingRelay, type StallingRelay } from "./relay.ts";
import { code, openStalledScene, type StalledScene } from "./scene.ts";

/** Two million samples: some 20 MB on the wire, far more than all buffers on the way. */
const batches = 40;
/** What a connection carries beside data: the reset of a stream, answers to pings. */
const framesBytes = 1_000;
const stalledAfter = 50_000;
/** What the receiver's kernel had already: it has left the server's machine. docs/contracts.md states it. */
const receivedBytes = 1_048_576;

const portOf = (url: string): number => Number(new URL(url).port);

/** Resolves with the relay's bytes when they grow no more. */
async function still(relay: StallingRelay): Promise<number> {
  for (let before = -1; ; await pause(300)) {
    if (relay.bytes() === before && before > 0) return before;
    before = relay.bytes();
  }
}

/** `connectionsAge`: the door says goodbye to each connection after seconds, so that one may end by itself meanwhile. */
export function describeStalledReaders(server: () => Server, { connectionsAge = false } = {}): void {
  describe("readers that take nothing while consent is taken back", () => {
    let scene: StalledScene;
    beforeAll(async () => {
      scene = await openStalledScene(server());
      await scene.send(batches);
    }, 120_000);

    async function request() {
      const consent = await grant(scene.person, scene.clinic, Direction.READ);
      const patient = await scene.idAt(scene.clinic);
      return { consent, read: { patient, code: { code }, purpose: Purpose.TREATMENT } };
    }

    async function relayTo(url: string, stallAfter?: number): Promise<StallingRelay> {
      const relay = await openStallingRelay(portOf(url), stallAfter === undefined ? {} : { stallAfter });
      onTestFinished(() => relay.close());
      return relay;
    }

    const revoke = (consent: string) =>
      createClient(ConsentService, scene.person.transport).revokeConsent({ consent });

    test("with a closed window: nothing leaves, and the rest of the connection lives", async () => {
      const { consent, read } = await request();
      const relay = await relayTo(server().grpc);
      const session = connectRaw(relay.port, scene.clinic.certificate);
      onTestFinished(() => session.destroy());
      let farewell = false;
      session.once("goaway", (code) => {
        farewell = code === constants.NGHTTP2_NO_ERROR;
      });
      const reader = readOverHttp2(session, { read });
      reader.pause();
      await still(relay);
      await revoke(consent);
      const returned = relay.bytes();
      reader.resume();
      expect(await reader.ended).toBe("reset");
      expect(relay.bytes() - returned).toBeLessThan(framesBytes);
      expect(session.destroyed && !(connectionsAge && farewell)).toBe(false);
    }, 60_000);

    test("with an open window and a stalled connection: only what had left arrives", async () => {
      await oncePossible(async () => {
        const asked = await request();
        const relay = await relayTo(server().grpc, stalledAfter);
        const session = connectRaw(relay.port, scene.clinic.certificate, { window: 2 ** 30 });
        onTestFinished(() => session.destroy());
        return stalledAndRevoked(relay, readOverHttp2(session, asked), asked.consent);
      });
    }, 90_000);

    test("over HTTP/1.1: only what had left arrives", async () => {
      await oncePossible(async () => {
        const asked = await request();
        const relay = await relayTo(server().http, stalledAfter);
        const reader = readOverHttp1(relay.port, scene.clinicKey, asked);
        onTestFinished(() => reader.close());
        return stalledAndRevoked(relay, reader, asked.consent);
      });
    }, 90_000);

    /** How the server ended the connection, and what arrived after the revocation had returned. */
    async function stalledAndRevoked(relay: StallingRelay, reader: RawReader, consent: string) {
      await expect.poll(relay.stalled, { timeout: 15_000 }).toBe(true);
      await pause(2_000);
      await revoke(consent);
      const returned = relay.bytes();
      relay.resume();
      await reader.ended;
      return { how: relay.ended(), bytes: relay.bytes() - returned };
    }
  });
}

/** A busy machine may lose its session with consent before: then the answer has ended by itself, and proves nothing. */
async function oncePossible(scene: () => Promise<{ how: string | undefined; bytes: number }>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { how, bytes } = await scene();
    if (how !== "reset" && attempt < 4) continue;
    process.stderr.write(`${bytes} bytes arrived that had left before the revocation returned\n`);
    expect(how).toBe("reset");
    return expect(bytes).toBeLessThan(receivedBytes);
  }
}
