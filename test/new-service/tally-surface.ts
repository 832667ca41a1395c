import type { Surface } from "@wellapi/http";
import { getTally } from "./contract.ts";

/** The same as the RPC, for programs that know no RPCs. */
export const tallySurface: Surface = {
  name: "tally",
  paths: ["/tally"],
  methods: ["GET"],
  mount(app, context) {
    app.get("/tally", async (request) => {
      const { batches } = await getTally(context.as(request));
      return { batches };
    });
  },
};
