/** What tokens reach at the doors of one process; mesh.it.test.ts has the same in a mesh. */
import { describeClinicians } from "./clinicians.ts";
import { describeDoors } from "./doors.ts";
import { inOneProcess } from "./world.ts";

inOneProcess((given) => {
  describeDoors(given);
  describeClinicians(given);
});
