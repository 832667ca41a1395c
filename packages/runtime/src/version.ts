/** The version of this program; every package and the image have it. */
export const version = "0.1.0";
