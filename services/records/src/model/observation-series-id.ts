/** No id has the letter, which Crockford's base 32 leaves out. */
const PREFIX = "o_";

/** The id of a series of observations, from that of its descriptor: such series lie in blocks of observations. */
export function observationSeriesId(id: string): string {
  return PREFIX + id;
}

/** Whether what is read of the series are observations, of which none hides another. */
export function isObservationSeries(series: string): boolean {
  return series.startsWith(PREFIX);
}
