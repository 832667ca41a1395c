package dev.wellapi.client;

import java.time.Instant;
import java.util.Optional;

/**
 * Something that a call has used and that will go.
 *
 * @param name the full name of the RPC (`wellapi.x.v1.XService.GetX`), or of the field of a request
 * @param instead the full name of what to use in its place; empty: nothing takes it
 * @param sunset the earliest of the days from which it may no longer work, of all that the call has used
 */
public record Deprecation(String name, Optional<String> instead, Optional<Instant> sunset) {}
