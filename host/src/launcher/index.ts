export { type MeshConfig, parseMeshConfig } from "./config.ts";
export type { Member } from "./members.ts";
export { type Mesh, openMesh, type SettingsOf } from "./mesh.ts";
export { createMeshAuthority, type MeshAuthority } from "./mesh-authority.ts";
export { runMesh } from "./run.ts";
