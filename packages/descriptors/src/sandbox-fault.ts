/** By this header a caller of a sandbox orders a failure of the call; every other exchange refuses it. The doors' own constant is compared in a test. */
export const faultHeader = "wellapi-sandbox-fault";
