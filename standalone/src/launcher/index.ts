export { type MeshConfig, parseMeshConfig } from "./config.ts";
export { type Mesh, openMesh } from "./mesh.ts";
export { createMeshAuthority, type MeshAuthority } from "./mesh-authority.ts";
export { runMesh } from "./run.ts";
