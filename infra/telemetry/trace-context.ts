/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/), version 00: `00-<trace>-<span>-<flags>`. A trace runs from an
 * HTTP request through every message to the last event; each request and each message is a span of its own in it.
 *
 * `tracestate` is not passed on: it would be up to 512 bytes in each message and each row of the outbox, and who adds
 * nothing to it may drop it.
 */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Of a version that is not known yet, what stands where version 00 has it (§2.2.2 of the recommendation); never `ff`. */
const LATER = /^(?!00|ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-|$)/;
const LONGEST = 512;

/** Whether `text` is a traceparent of version 00 that names a trace and a span. */
export const isTraceparent = (text: string): boolean => TRACEPARENT.test(text);

/** The traceparent of a header, as version 00; undefined for one that is malformed, which begins no trace and ends none. */
export const readTraceparent = (header: string | undefined): string | undefined => {
  if (header === undefined || header.length > LONGEST) return undefined;
  const later = LATER.exec(header)?.[1];
  const text = later === undefined ? header : `00${later}`;
  return isTraceparent(text) ? text : undefined;
};

/** @param id a UUIDv7: it ends in 62 random bits */
const spanOf = (id: string): string => id.slice(19, 23) + id.slice(24);

/** A trace that begins with `id`, the same one for everyone who reads that id. It is sampled. */
export const newTrace = (id: string): string => {
  const span = spanOf(id);
  return `00-${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(14, 18)}${span}-${span}-01`;
};

/** As `nextSpan`, of a parent that was read and found good: it is empty, or a traceparent. */
export const spanWithin = (parent: string, id: string): string =>
  parent === '' ? newTrace(id) : `${parent.slice(0, 36)}${spanOf(id)}${parent.slice(52)}`;

/**
 * A new span of the trace of `parent`, with its flags; a new trace where that is none.
 * @param id a UUIDv7 that nothing else is named by
 */
export const nextSpan = (parent: string, id: string): string =>
  spanWithin(isTraceparent(parent) ? parent : '', id);

/** The id of a traceparent's trace, as logs and answers name it; undefined where there is none. */
export const traceIdOf = (traceparent: string): string | undefined =>
  traceparent === '' ? undefined : traceparent.slice(3, 35);
