/** Header of each answer of a door: the version of the program that served it, as `service.version` of its telemetry. */
export const versionHeader = "wellapi-version";
