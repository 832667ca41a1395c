import fc from "fast-check";

// A mutant is noticed once a property fails: to look for the shortest example would take minutes, thousands of times.
fc.configureGlobal({ endOnFailure: true });
