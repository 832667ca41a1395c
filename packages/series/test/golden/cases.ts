import type { Columns } from "../../src/index.ts";

/**
 * What the committed blocks beside this file (`<name>.hex`) must decode to, for ever. Add cases; never
 * change one, and never write its bytes anew.
 */
export const goldenColumns: Readonly<Record<string, Columns>> = {
  "v1-empty": {
    times: new Float64Array(0),
    offsetMinutes: 0,
    durationMs: 0,
    unit: "/min",
    values: { kind: "decimal", scale: 0, mantissas: new Float64Array(0) },
  },
  "v1-regular-deflated": {
    times: Float64Array.from({ length: 120 }, (_, i) => 1_459_590_540_000 + i * 60_000),
    offsetMinutes: -300,
    durationMs: 60_000,
    unit: "/min",
    values: {
      kind: "decimal",
      scale: 0,
      mantissas: Float64Array.from({ length: 120 }, (_, i) => 60 + ((i * i) % 13)),
    },
  },
  "v1-irregular-delta": {
    times: Float64Array.of(-2_208_988_800_000, 0, 7, 1_459_590_540_123),
    offsetMinutes: 840,
    durationMs: 0,
    unit: "[degF]",
    values: { kind: "decimal", scale: 2, mantissas: Float64Array.of(9_860, 9_861, 9_859, 9_860) },
  },
  "v1-doubles": {
    times: Float64Array.of(1_000, 2_000, 3_000),
    offsetMinutes: 0,
    durationMs: 0,
    unit: "1",
    values: {
      kind: "decimal",
      scale: 9,
      mantissas: Float64Array.of(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0),
    },
  },
  "v1-coded": {
    times: Float64Array.from({ length: 20 }, (_, i) => 1_460_000_000_000 + i * 30_000),
    offsetMinutes: 60,
    durationMs: 30_000,
    unit: "",
    values: {
      kind: "coded",
      dictionary: [
        { system: "https://example.org/stage", code: "deep", display: "Tiefschlaf – 深い" },
        { system: "https://example.org/stage", code: "rem" },
      ],
      indexes: Uint32Array.from({ length: 20 }, (_, i) => (i < 12 ? 0 : i % 2)),
    },
  },
  "v1-components": {
    times: Float64Array.of(1_460_000_000_000, 1_460_086_400_000),
    offsetMinutes: 0,
    durationMs: 0,
    unit: "",
    values: {
      kind: "components",
      components: [
        {
          coding: { system: "http://loinc.org", code: "8480-6" },
          unit: "mm[Hg]",
          scale: 0,
          mantissas: Float64Array.of(121, 118),
        },
        {
          coding: { system: "http://loinc.org", code: "8462-4" },
          unit: "mm[Hg]",
          scale: 1,
          mantissas: Float64Array.of(790, 785),
        },
      ],
    },
  },
  "v2-durations": {
    times: Float64Array.of(1_460_000_000_000, 1_460_000_090_000, 1_460_000_720_000, 1_460_002_400_000),
    offsetMinutes: -480,
    durationMs: Uint32Array.of(90_000, 630_000, 0, 2_678_400_000),
    unit: "",
    values: {
      kind: "coded",
      dictionary: [
        { system: "https://example.org/stage", code: "light" },
        { system: "https://example.org/stage", code: "awake" },
      ],
      indexes: Uint32Array.of(0, 1, 0, 1),
    },
  },
};
