/** No other id has this letter, because Crockford's base 32 leaves it out. */
const PREFIX = "o_";

/** The id of a series of observations, made from its descriptor's id: such a series lies in blocks of observations. */
export function observationSeriesId(id: string): string {
  return PREFIX + id;
}

/** Whether the series consists of observations, none of which hides another. */
export function isObservationSeries(series: string): boolean {
  return series.startsWith(PREFIX);
}
