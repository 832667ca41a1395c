/** By `oauth4webapi` against one process; mesh.it.test.ts has the same in a mesh. */
import { describeByOauth4webapi } from "./oauth4webapi.ts";
import { inOneProcess } from "./world.ts";

inOneProcess(describeByOauth4webapi);
