import { fitbit } from "./fitbit/fitbit.ts";
import { googleFit } from "./google-fit/google-fit.ts";
import { ieee1752, openMHealth } from "./open-mhealth/open-mhealth.ts";
import type { Vendor } from "./vendor.ts";
import { withings } from "./withings/withings.ts";

export const vendors: readonly Vendor[] = [fitbit, googleFit, ieee1752, openMHealth, withings];
